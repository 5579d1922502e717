"""The gateway goes and comes back; the page says so and takes it back by itself."""

import re

from playwright.sync_api import expect


def test_the_status_appears_and_goes_without_a_hand(open_page, start):
    gateway = start()
    yodel = open_page(gateway=gateway)
    yodel.expects_no_connection()
    expect(yodel.unreachable).to_have_count(0)

    gateway.stop()
    expect(yodel.unreachable).to_be_visible(timeout=10_000)
    expect(yodel.unreachable).to_contain_text("Cannot reach the gateway")

    start(http_port=gateway.port)
    expect(yodel.unreachable).to_have_count(0, timeout=10_000)
    expect(yodel.presses_send().get_by_role("heading")).to_have_text(re.compile("Reply$"))


def test_a_message_into_the_void_is_told_and_kept(open_page, start):
    gateway = start()
    yodel = open_page(gateway=gateway)
    yodel.expects_no_connection()
    gateway.stop()
    yodel.message.fill("typed with care")
    yodel.send.click()
    expect(yodel.newest.get_by_role("heading")).to_have_text(re.compile("The gateway did not answer$"))
    expect(yodel.unreachable).to_be_visible()

    start(http_port=gateway.port)
    expect(yodel.unreachable).to_have_count(0, timeout=10_000)
    expect(yodel.message).to_have_value("typed with care")
    yodel.newest.get_by_role("button", name="Resend", exact=True).click()
    expect(yodel.newest.get_by_role("heading")).to_have_text(re.compile("Reply$"))


def test_a_panel_that_was_not_loaded_yet_works_after_the_return(open_page, start):
    gateway = start()
    yodel = open_page(gateway=gateway)
    yodel.expects_no_connection()
    gateway.stop()
    yodel.button("Start").click()
    expect(yodel.unreachable).to_be_visible(timeout=10_000)

    start(http_port=gateway.port)
    expect(yodel.unreachable).to_have_count(0, timeout=10_000)
    yodel.number("Interval").fill("1")
    expect(yodel.panel("Series")).to_contain_text("100 of 100 came back", timeout=10_000)
