"""What the echo server sees, live."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from playwright.sync_api import expect

from servers import UDPClient


@pytest.fixture
def live(own, open_page):
    yodel = open_page(gateway=own)
    expect(yodel.panel("Traffic")).to_contain_text("Live")
    return yodel


def newest(yodel):
    return yodel.lines.first


def test_datagrams_of_other_programs_appear_by_themselves(live):
    with UDPClient(live.gateway) as client:
        assert client.echo(b"straight from a program") == b"straight from a program"
        line = live.lines.filter(has_text="straight from a program")
        expect(line).to_contain_text(client.name)
        expect(line).to_contain_text("23 B")
        expect(line).to_contain_text("echoed")
        expect(line).to_contain_text("direct")


def test_our_own_messages_are_told_apart(live):
    live.sends("through the gateway")
    expect(live.lines.filter(has_text="through the gateway")).to_contain_text(re.compile("gateway.*echoed"))


def test_what_came_before_the_page_is_there_the_newest_first(own, open_page):
    with UDPClient(own) as client:
        for number in range(3):
            client.echo(f"early {number}".encode())
    yodel = open_page(gateway=own)
    for place, text in enumerate(["early 2", "early 1", "early 0"]):
        expect(yodel.lines.nth(place)).to_contain_text(text)
    expect(yodel.lines).to_have_count(3)


def test_pause_holds_the_picture_and_loses_nothing(live):
    with UDPClient(live.gateway) as client:
        client.echo(b"before")
        expect(live.lines).to_have_count(1)
        live.button("Pause").click()
        expect(live.button("Pause")).to_have_attribute("aria-pressed", "true")
        for number in range(5):
            client.echo(b"meanwhile %d" % number)
        expect(live.panel("Traffic")).to_contain_text("Paused, 5 new")
        expect(live.lines).to_have_count(1)
        live.button("Pause").click()
        expect(live.lines).to_have_count(6)
        expect(live.lines.first).to_contain_text("meanwhile 4")


def test_the_filter_finds_text_bytes_and_origin(live):
    search = live.page.get_by_role("searchbox", name="Filter", exact=True)
    with UDPClient(live.gateway) as client:
        for datagram in [b"\xff\xfe\x00", b"foo", b"an Apple"]:
            client.echo(datagram)
        for words, passing in [
            ("ff fe", ["ff fe 00"]), ("666f 6f", ["foo"]), ("direct", ["an Apple", "foo", "ff fe 00"]), ("gateway", []),
            (client.name, ["an Apple", "foo", "ff fe 00"]), ("apple", ["an Apple"]),
        ]:
            search.fill(words)
            expect(live.lines).to_have_count(len(passing))
            for place, text in enumerate(passing):
                expect(live.lines.nth(place)).to_contain_text(text)
        client.echo(b"another apple")
        expect(live.lines.first).to_contain_text("another apple")
        client.echo(b"a pear")
        search.fill("")
        expect(live.lines).to_have_count(5)


def test_a_line_shows_its_bytes(live):
    datagram = bytes(range(0x30, 0x44)) + b"\xff"
    with UDPClient(live.gateway) as client:
        client.echo(datagram)
        live.lines.first.click()
        panel = live.panel("Traffic")
        expect(panel.get_by_role("heading", name=f"Datagram from {client.name}")).to_be_visible()
        dump = panel.get_by_role("group", name="Its bytes in hex")
        expect(dump).to_contain_text("0000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?")
        expect(dump).to_contain_text("0010  40 41 42 43 ff")
        expect(panel).to_contain_text(live.gateway.udp)
        live.button("Close").click()
        expect(dump).to_have_count(0)


def test_a_line_and_its_datagram_tell_the_same_time(open_page, own):
    yodel = open_page(gateway=own, timezone_id="Asia/Kolkata")
    expect(yodel.panel("Traffic")).to_contain_text("Live")
    yodel.sends("what time is it?")
    line = yodel.lines.first.text_content()
    yodel.lines.first.click()
    received = yodel.panel("Traffic").locator("time")
    assert line.startswith(received.text_content())
    taken = datetime.fromisoformat(received.get_attribute("datetime")).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert received.text_content() == taken.strftime("%H:%M:%S.%f")
    around = [(taken + timedelta(seconds=second)).strftime("%H:%M:%S") for second in range(-2, 3)]
    assert yodel.newest.locator("time").text_content() in around


def test_all_that_was_done_to_a_datagram_is_said_whole(live):
    """At the page's usual width nothing of it is cut off."""
    live.gateway.ask("PUT", "api/echo/impairments", {"duplicate_percent": 100, "corrupt_percent": 100, "delay_ms": 1})
    with UDPClient(live.gateway) as client:
        client.echo(b"all of it")
        fate = live.lines.first.locator(".fate")
        for kind in ["duplicate", "corrupt", "delay"]:
            expect(fate).to_contain_text(kind)
        assert fate.evaluate("cell => cell.scrollWidth <= cell.clientWidth")


def test_a_long_datagram_says_how_much_of_it_is_kept(live):
    with UDPClient(live.gateway) as client:
        client.echo(b"x" * 5000)
        live.lines.first.click()
        expect(live.panel("Traffic")).to_contain_text("5,000 bytes")
        expect(live.panel("Traffic")).to_contain_text("The first 1,024 bytes are kept.")


def test_a_hostile_datagram_stays_text(live):
    with UDPClient(live.gateway) as client:
        client.echo("<img src=x onerror=alert(1)>\x1b[31m\u202egnp.exe".encode())
        expect(live.lines.first).to_contain_text("<img src=x onerror=alert(1)> [31m gnp.exe")
        live.lines.first.click()
        expect(live.panel("Traffic")).to_contain_text(r"<img src=x onerror=alert(1)>\x1b[31m\u202egnp.exe")
        assert live.panel("Traffic").locator("img").count() == 0
        assert not set(live.panel("Traffic").evaluate("panel => panel.textContent")) & set("\x1b\u202e")


def test_the_arrow_keys_go_through_the_lines(live):
    with UDPClient(live.gateway) as client:
        for number in range(40):
            client.echo(b"number %d" % number)
        expect(live.lines.first).to_contain_text("number 39")
        live.traffic.focus()
        for number in range(39, 19, -1):
            live.page.keyboard.press("ArrowDown")
            expect(live.page.locator(":focus")).to_contain_text(f"number {number}")
        client.echo(b"one more")
        expect(live.panel("Traffic")).to_contain_text("41 datagrams")
        expect(live.page.locator(":focus")).to_contain_text("number 20")
        expect(live.page.locator(":focus")).to_be_in_viewport()
        live.page.keyboard.press("Enter")
        expect(live.panel("Traffic").get_by_role("group", name="Its bytes in hex")).to_contain_text("number 20")


def test_who_reads_further_down_keeps_seeing_the_same_lines(live):
    with UDPClient(live.gateway) as client:
        for number in range(60):
            client.echo(b"number %d" % number)
        expect(live.panel("Traffic")).to_contain_text("60 datagrams")
        live.traffic.scroll_into_view_if_needed()
        live.traffic.evaluate("box => { box.scrollTop = box.scrollHeight; }")
        last = live.lines.filter(has_text=re.compile("number 0$"))
        expect(last).to_be_in_viewport()
        for number in range(10):
            client.echo(b"later %d" % number)
        expect(live.panel("Traffic")).to_contain_text("70 datagrams")
        expect(last).to_be_in_viewport()


def test_only_the_lines_in_sight_exist_and_only_so_many_are_kept(live):
    # Ten thousand at once would wait for the network; this is the way that they take from there.
    live.module("traffic.js", """{
        const traffic = new m.Traffic({ target: null, subscribe() {}, seen() {} });
        const datagram = (id) => ({ id: String(id), time: "2026-11-22T12:00:00.000000Z", source: { address: "::1", port: 5 },
            destination: { address: "::1", port: 7 }, bytes: 1, text: `no ${id}`, base64: "YQ==", fate: "echoed", reason: null,
            impairments: [], via_gateway: false });
        for (let id = 1; id <= 12000; id += 100) {
            traffic.take(Array.from({ length: 100 }, (_, i) => datagram(id + i)));
            traffic.draw();
        }
        globalThis.kept = traffic.datagrams.length;
    }""")
    expect(live.lines.first).to_contain_text("no 12000")
    assert 4500 <= live.page.evaluate("kept") <= 5000
    assert live.traffic.locator("button").count() < 40


def test_a_gap_is_told(own, open_page):
    def cut(page):
        line = 'event: gap\ndata: {"missed":1234}\n\n'
        page.route("**/api/datagrams", lambda route: route.fulfill(content_type="text/event-stream", body=line)
                   if "event-stream" in route.request.headers["accept"] else route.continue_())

    yodel = open_page(gateway=own, before=cut)
    expect(yodel.traffic).to_contain_text("1,234 datagrams were missed")


def test_the_feed_resumes_where_it_ended(open_page, start):
    first = start()
    yodel = open_page(gateway=first)
    yodel.expects_no_connection()
    with UDPClient(first) as client:
        client.echo(b"before the restart")
    expect(yodel.lines).to_have_count(1)
    first.stop()
    expect(yodel.unreachable).to_be_visible(timeout=10_000)
    second = start(http_port=first.port)
    expect(yodel.unreachable).to_have_count(0, timeout=10_000)
    with UDPClient(second) as client:
        client.echo(b"after the restart")
    expect(yodel.lines.first).to_contain_text("after the restart")
    expect(yodel.lines.last).to_contain_text("before the restart")


HIDE = """(isHidden) => {
    Object.defineProperty(document, "hidden", { get: () => isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_tab_closes_the_feed_and_misses_nothing(live):
    with UDPClient(live.gateway) as client:
        client.echo(b"seen")
        expect(live.lines).to_have_count(1)
        with live.page.expect_event("requestfailed", lambda request: "datagrams" in request.url):
            live.page.evaluate(HIDE, True)
        client.echo(b"while hidden")
        with live.page.expect_request(lambda request: "datagrams" in request.url) as request:
            live.page.evaluate(HIDE, False)
        assert request.value.headers["last-event-id"]
        expect(live.lines.first).to_contain_text("while hidden")
        expect(live.lines).to_have_count(2)


def test_without_an_echo_server_the_panel_says_so(open_page, start, targets):
    gateway = start({"lab": targets["shouting"]}, options=["--no-echo"])
    yodel = open_page(gateway=gateway, is_open=False)
    yodel.page.goto(gateway.url)
    expect(yodel.target).to_have_value("lab")
    expect(yodel.panel("Traffic")).to_contain_text("has no embedded echo server (--no-echo)")
    assert not any("api/datagrams" in url or "api/echo" in url for url in yodel.requests)
