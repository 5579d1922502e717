"""One message, from the form to its verdict."""

import re

import pytest
from playwright.sync_api import expect


def test_the_first_visit_needs_one_click(yodel):
    expect(yodel.message).to_have_value("hello from client!!")
    exchange = yodel.presses_send()
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("Reply$"))
    expect(exchange).to_contain_text("hello from client!!")
    expect(exchange).to_contain_text(re.compile(r"Round trip\s+\d+\.\d+ ms"))
    expect(exchange).to_contain_text("19 bytes")
    expect(exchange).to_contain_text(f"Sender{yodel.gateway.udp}")
    expect(exchange).to_contain_text(re.compile(r"Sent from127\.0\.0\.1:\d+"))


def test_ctrl_enter_sends(yodel):
    yodel.message.fill("by keyboard")
    yodel.message.press("Control+Enter")
    expect(yodel.newest.get_by_role("heading")).to_have_text(re.compile("Reply$"))
    expect(yodel.newest).to_contain_text("by keyboard")


def test_the_newest_is_first_and_the_log_keeps_the_others(yodel):
    yodel.sends("first")
    yodel.sends("second")
    expect(yodel.exchanges.nth(0)).to_contain_text("second")
    expect(yodel.exchanges.nth(1)).to_contain_text("first")


def test_resend_sends_the_same_again_whatever_the_form_says_by_then(yodel):
    exchange = yodel.sends("once more", target="shouting")
    yodel.message.fill("something else")
    yodel.target.select_option("echo")
    exchange.get_by_role("button", name="Resend", exact=True).click()
    expect(yodel.exchanges).to_have_count(2)
    expect(yodel.newest).to_contain_text("ONCE MORE")


def test_a_reply_that_differs_is_told_with_what_differs(yodel):
    exchange = yodel.sends("hello 1", target="shouting")
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("The reply differs$"))
    expect(exchange).to_contain_text("5 of 7 bytes differ, the first at offset 0: 0x68 went out, 0x48 came back.")
    expect(exchange.get_by_role("mark")).to_have_text(["hello", "HELLO"])


def test_a_reply_that_is_cut_short_is_told(yodel):
    exchange = yodel.sends("hello world", target="cutting")
    expect(exchange).to_contain_text("Cut short: the first 5 of 11 bytes came back.")
    expect(exchange.get_by_role("mark")).to_have_text([" world"])


def test_a_reply_that_is_no_text_is_shown_as_hex(yodel):
    exchange = yodel.sends("hello", target="binary")
    expect(exchange.locator(".labelled")).to_have_text(["Senthello", "Sent, in hex68 65 6c 6c 6f", "Reply, in hexff fe 6c 6c 6f"])
    expect(exchange.get_by_role("mark")).to_have_text(["68 65", "ff fe"])


def test_each_byte_that_differs_is_marked_where_it_is(yodel):
    marked = yodel.module("difference.js", """[
        ["abcdef", "aXcdYZ"], ["abc", "abc"], ["abcdef", "abef"], ["abef", "abcdef"], ["", "ab"], ["ab".repeat(101), "aX".repeat(101)],
    ].map(([sent, received]) => m.changedParts([...sent], [...received]).filter(({ from, to }) => from < to).map(({ from, to }) => [from, to]))""")
    # Over a hundred marks tell less than one.
    assert marked == [[[1, 2], [4, 6]], [], [], [[2, 4]], [[0, 2]], [[1, 202]]]


def test_a_closed_port_is_told_at_once(yodel):
    yodel.expects_status(502)
    exchange = yodel.sends("anyone?", target="closed", timeout_ms=10_000)
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("Nobody listens there$"))


def test_silence_is_told_with_the_time_that_was_waited(yodel):
    yodel.expects_status(504)
    exchange = yodel.sends("anyone?", target="silent", timeout_ms=200)
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("No reply within 200 ms$"))


def test_an_empty_message_is_a_message(yodel):
    exchange = yodel.sends("")
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("Reply$"))
    expect(exchange).to_contain_text("empty: 0 bytes")


@pytest.mark.parametrize("timeout", ["0", "10001", "1.5", ""])
def test_a_timeout_out_of_range_is_not_sent(yodel, timeout):
    yodel.timeout.fill(timeout)
    yodel.send.click()
    expect(yodel.timeout).to_be_focused()
    expect(yodel.exchanges).to_have_count(0)


def test_a_message_that_is_too_large_is_told_before_and_after(yodel):
    yodel.expects_status(413)
    yodel.message.fill("x" * 65_508)
    expect(yodel.page.get_by_text("too large for one datagram")).to_be_visible()
    exchange = yodel.presses_send()
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("Too large for one datagram$"))


def test_the_largest_message_comes_back(yodel):
    exchange = yodel.sends("x" * 65_507)
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("Reply$"))
    expect(exchange).to_contain_text("65,507 bytes")
    exchange.get_by_role("button", name="Show all of it").click()
    expect(exchange).to_contain_text("x" * 65_507)


# What each problem of the API is called here; the gateway is not asked, since most cannot be had at will.
PROBLEMS = {
    "malformed-request": "The request was malformed",
    "invalid-request": "The gateway did not understand the request",
    "unknown-target": "The gateway knows no such target",
    "unauthorized": "The gateway wants a token",
    "target-not-allowed": "That target is not allowed",
    "cross-site": "Refused: the request looked like another site’s",
    "control-refused": "Refused: this needs the token, or the gateway’s own machine",
    "not-found": "The gateway has no such path",
    "method-not-allowed": "The gateway does not take this method here",
    "message-too-large": "Too large for one datagram",
    "unsupported-media-type": "The gateway does not take this kind of body",
    "wrong-host": "The gateway does not answer to this host name",
    "rate-limited": "Too many messages in a short time",
    "internal-error": "A bug in the gateway",
    "not-implemented": "The gateway does not implement this",
    "port-unreachable": "Nobody listens there",
    "target-unreachable": "The target cannot be reached",
    "overloaded": "The gateway is at its limit",
    "draining": "The gateway is shutting down",
    "no-reply": "No reply within 2000 ms",
    "of-a-later-version": "Its own title",
}


def test_every_problem_is_shown_as_what_it_means_with_its_detail(yodel):
    yodel.expects_status(400)
    names = iter(PROBLEMS)

    def refuse(route):
        name = next(names)
        problem = {"type": f"urn:yodel:problem:{name}", "title": "Its own title", "status": 400, "detail": f"<b>About</b> {name}."}
        route.fulfill(status=400, json=problem, content_type="application/problem+json", headers={"Retry-After": "3"})

    yodel.page.route("**/api/messages", refuse)
    for name, meaning in PROBLEMS.items():
        exchange = yodel.presses_send()
        expect(exchange.get_by_role("heading")).to_contain_text(meaning)
        expect(exchange).to_contain_text(f"<b>About</b> {name}. Try again in 3 s.")


def test_an_answer_that_is_not_the_gateways_is_told(yodel):
    yodel.expects_status(502)
    yodel.page.route("**/api/messages", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    expect(yodel.presses_send()).to_contain_text("HTTP status 502")
