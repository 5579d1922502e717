"""What lasts: the link that fills in, the history across reloads, what is saved as a file."""

import csv
import io
import json
import re

from playwright.sync_api import expect


def reload(yodel):
    yodel.page.reload()
    expect(yodel.target).to_be_enabled()


def test_a_link_fills_in_and_never_sends(open_page):
    yodel = open_page(is_open=False)
    yodel.page.goto(yodel.gateway.url + "#target=shouting&message=from%20a%20link&timeout=300&count=7&interval=5&size=100")
    expect(yodel.target).to_have_value("shouting")
    expect(yodel.message).to_have_value("from a link")
    expect(yodel.timeout).to_have_value("300")
    for name, value in [("Count", "7"), ("Interval", "5"), ("Size", "100")]:
        expect(yodel.number(name)).to_have_value(value)
    expect(yodel.exchanges).to_have_count(0)
    assert not any("api/messages" in url or "api/probes" in url for url in yodel.requests)
    expect(yodel.presses_send()).to_contain_text("FROM A LINK")


def test_what_is_filled_in_is_in_the_address(yodel):
    assert "#" not in yodel.page.url
    yodel.message.fill("shared & kept: 100 %")
    yodel.target.select_option("shouting")
    yodel.number("Count").fill("33")
    yodel.page.wait_for_url("**/#*count=33*")
    reload(yodel)
    expect(yodel.message).to_have_value("shared & kept: 100 %")
    expect(yodel.target).to_have_value("shouting")
    expect(yodel.number("Count")).to_have_value("33")


def test_bytes_are_shared_as_hex(yodel):
    yodel.choose_hex()
    yodel.hex.fill("00 ff")
    yodel.page.wait_for_url("**/#hex=00ff")
    reload(yodel)
    expect(yodel.hex).to_have_value("00 ff")


def test_a_message_too_long_for_a_link_stays_out_of_it(yodel):
    yodel.number("Count").fill("9")
    yodel.message.fill("x" * 3000)
    yodel.page.wait_for_url("**/#count=9")


def test_a_hostile_link_is_only_text(open_page):
    yodel = open_page(is_open=False)
    yodel.page.goto(yodel.gateway.url + "#target=%3Cimg%3E&message=%3Cscript%3Ealert(1)%3C/script%3E&timeout=999999&count=1e9&size=<b>&hex=zz")
    expect(yodel.target).to_have_value("echo")
    expect(yodel.message).to_have_value("<script>alert(1)</script>")
    yodel.send.click()
    expect(yodel.timeout).to_be_focused()


def test_the_history_survives_a_reload(yodel):
    yodel.expects_status(504)
    yodel.sends("the first", target="shouting")
    yodel.sends("anyone?", target="silent", timeout_ms=50)
    yodel.choose_hex()
    yodel.hex.fill("ff 00")
    yodel.target.select_option("echo")
    yodel.presses_send()
    before = yodel.exchanges.all_inner_texts()
    reload(yodel)
    expect(yodel.exchanges).to_have_count(3)
    assert yodel.exchanges.all_inner_texts() == before
    yodel.exchanges.last.get_by_role("button", name="Resend").click()
    expect(yodel.exchanges).to_have_count(4)
    expect(yodel.newest).to_contain_text("THE FIRST")
    assert "shouting" in yodel.copied(yodel.exchanges.last, "curl")


def test_it_is_cleared_for_good(yodel):
    yodel.sends("once")
    yodel.button("Clear").click()
    expect(yodel.exchanges).to_have_count(0)
    expect(yodel.page.get_by_text("Nothing sent yet")).to_be_visible()
    reload(yodel)
    expect(yodel.exchanges).to_have_count(0)


def test_two_tabs_keep_both_their_exchanges(yodel):
    other = yodel.page.context.new_page()
    other.goto(yodel.gateway.url)
    expect(other.get_by_role("combobox", name="Target")).to_have_value("echo")
    yodel.sends("of one tab")
    other.get_by_role("button", name="Send", exact=True).click()
    expect(other.get_by_role("article")).to_contain_text("hello from client!!")
    reload(yodel)
    expect(yodel.exchanges).to_have_count(2)


def test_a_history_that_cannot_be_read_is_none(open_page):
    yodel = open_page(before=lambda page: page.add_init_script("localStorage.setItem('yodel-history', '{not JSON')"))
    expect(yodel.presses_send().get_by_role("heading")).to_have_text(re.compile("Reply$"))


def test_without_storage_all_else_works(open_page):
    yodel = open_page(before=lambda page: page.add_init_script("""
        for (const name of ["localStorage", "sessionStorage"]) {
            Object.defineProperty(window, name, { get() { throw new DOMException("switched off", "SecurityError"); } });
        }"""))
    expect(yodel.presses_send().get_by_role("heading")).to_have_text(re.compile("Reply$"))


def test_what_is_kept_is_bounded(yodel):
    kept = yodel.page.evaluate("""async () => {
        const { History } = await import(new URL("history.js", document.baseURI));
        const { fromText } = await import(new URL("bytes.js", document.baseURI));
        const request = (length) => ({ text: "x".repeat(length), bytes: fromText("x".repeat(length)), timeout: 1, target: null });
        const fill = (count, length) => {
            const history = new History();
            for (let i = 0; i < count; i += 1) history.add({ id: `${i}`, at: "", request: request(length), outcome: { unreachable: true } });
            return [history.records.length, localStorage.getItem("yodel-history").length];
        };
        return [...fill(205, 10), ...fill(20, 65000)];
    }""")
    count, _, long_count, length = kept
    assert count == 200
    assert 10 < long_count < 20
    assert length < 1_100_000


def test_the_history_is_saved_as_csv_and_json(yodel):
    yodel.expects_status(504)
    yodel.sends('=HYPERLINK("x"),\nsecond line', target="shouting")
    yodel.sends("anyone?", target="silent", timeout_ms=50)
    saved = json.loads(yodel.saved(yodel.panel("Exchanges").get_by_role("button", name="Save as JSON")))
    assert saved[0]["request"]["message"] == '=HYPERLINK("x"),\nsecond line'
    assert saved[0]["outcome"]["answer"]["reply"] == '=HYPERLINK("X"),\nSECOND LINE'
    assert saved[1]["outcome"]["problem"]["name"] == "no-reply"
    rows = list(csv.DictReader(io.StringIO(yodel.saved(yodel.panel("Exchanges").get_by_role("button", name="Save as CSV")).decode(), newline="")))
    # A spreadsheet must not take a payload for a formula.
    assert rows[0]["reply"] == '\'=HYPERLINK("X"),\nSECOND LINE'
    assert (rows[0]["outcome"], rows[0]["match"], rows[0]["target"]) == ("reply", "false", "shouting")
    assert rows[1]["outcome"] == "no-reply"


def test_server_sent_events_are_read_as_the_standard_says(yodel):
    for lines, events in [
        (["data: a", ""], [["", "message", "a"]]),
        (["id: 5", "event: datagram", "data: {", "data:  }", "", ": comment", ""], [["5", "datagram", "{\n }"]]),
        (["id: 1", "data: a", "", "data: b", "", "id", "data", ""], [["1", "message", "a"], ["1", "message", "b"], ["", "message", ""]]),
        (["event: gap", "", "data: a\r", "\r", "data: never ended"], [["", "message", "a"]]),
    ]:
        read = yodel.module("event-stream.js", f"""(async () => {{
            const read = [];
            for await (const {{ id, type, data }} of m.events({json.dumps(lines)})) read.push([id, type, data]);
            return read;
        }})()""")
        assert read == events
