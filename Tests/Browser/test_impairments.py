"""What is done to datagrams on purpose: set, shown whoever set it, refused."""

import re

import pytest
from playwright.sync_api import expect

from servers import UDPClient

pytestmark = pytest.mark.usefixtures("nothing_impaired")

CONTROLS = {
    "Loss": ("loss_percent", 12.5), "Delay": ("delay_ms", 40), "Jitter": ("jitter_ms", 5), "Duplicate": ("duplicate_percent", 3),
    "Corrupt": ("corrupt_percent", 2), "Reorder": ("reorder_percent", 25),
}


def in_force(gateway):
    return gateway.ask("GET", "api/echo/impairments")


def test_each_control_sets_its_impairment_and_the_banner_says_so(yodel):
    for name, (member, value) in CONTROLS.items():
        if name == "Reorder":
            continue
        yodel.number(name).fill(str(value))
        expect(yodel.in_force).to_contain_text(f"{value:g}")
        set_to = in_force(yodel.gateway)
        assert {other: set_to[other] for other, _ in CONTROLS.values() if set_to[other]} == {member: value}
        yodel.button("Reset").click()
        expect(yodel.in_force).to_have_count(0)
        expect(yodel.number(name)).to_have_value("0")
        assert in_force(yodel.gateway)[member] == 0


def test_a_reorder_is_told_to_need_a_delay_and_waits_for_it(yodel):
    yodel.expects_status(400)
    yodel.number("Reorder").fill("25")
    expect(yodel.panel("Impairments")).to_contain_text("needs a delay")
    yodel.number("Delay").fill("30")
    expect(yodel.in_force).to_have_text("Impairments in force: delay 30 ms, reorder 25 %.")
    assert in_force(yodel.gateway)["reorder_percent"] == 25


def test_what_another_sets_is_shown(yodel):
    expect(yodel.in_force).to_have_count(0)
    yodel.gateway.ask("PUT", "api/echo/impairments", {"loss_percent": 10, "delay_ms": 50, "jitter_ms": 5, "rate_kbit": 1000})
    expect(yodel.in_force).to_have_text("Impairments in force: loss 10 %, delay 50 ± 5 ms, rate 1,000 kbit/s.", timeout=10_000)
    expect(yodel.number("Loss")).to_have_value("10")
    expect(yodel.number("Delay")).to_have_value("50")
    yodel.gateway.ask("DELETE", "api/echo/impairments")
    expect(yodel.in_force).to_have_count(0, timeout=10_000)
    expect(yodel.number("Loss")).to_have_value("0")


HOURLY = """() => {
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (work, delay, ...rest) => setTimeout(work, delay >= 1000 ? 3_600_000 : delay, ...rest);
}"""


def test_an_impaired_datagram_tells_at_once_that_another_set_something(open_page, own):
    """Without waiting for the next time that is asked anyway, which this test puts off."""
    yodel = open_page(gateway=own, before=lambda page: page.add_init_script(f"({HOURLY})()"))
    expect(yodel.panel("Traffic")).to_contain_text("Live")
    own.ask("PUT", "api/echo/impairments", {"duplicate_percent": 100})
    with UDPClient(own) as client:
        client.echo(b"twice")
        expect(yodel.in_force).to_have_text("Impairments in force: duplicate 100 %.")
        own.ask("DELETE", "api/echo/impairments")
        client.echo(b"once")
        expect(yodel.in_force).to_have_count(0)


def test_who_comes_back_from_a_shell_sees_at_once_what_was_set_there(open_page, own):
    yodel = open_page(gateway=own, before=lambda page: page.add_init_script(f"({HOURLY})()"))
    expect(yodel.panel("Traffic")).to_contain_text("Live")
    own.ask("PUT", "api/echo/impairments", {"loss_percent": 3})
    yodel.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(yodel.in_force).to_have_text("Impairments in force: loss 3 %.")


def test_a_change_leaves_alone_what_another_set(yodel):
    yodel.gateway.ask("PUT", "api/echo/impairments", {"burst_loss": {"enter_percent": 1, "leave_percent": 50}, "seed": 7})
    expect(yodel.in_force).to_contain_text("bursts of loss (enter 1 %, leave 50 %)", timeout=10_000)
    yodel.number("Duplicate").fill("4")
    expect(yodel.in_force).to_contain_text("duplicate 4 %")
    now = in_force(yodel.gateway)
    assert (now["burst_loss"], now["seed"]) == ({"enter_percent": 1, "leave_percent": 50}, 7)


def test_switched_off_from_the_banner(yodel):
    yodel.number("Loss").fill("5")
    yodel.button("Switch off").click()
    expect(yodel.in_force).to_have_count(0)
    assert in_force(yodel.gateway)["loss_percent"] == 0
    expect(yodel.number("Loss")).to_have_value("0")


def test_a_preset_sets_all_of_it(yodel):
    for name, words in [("Lossy Wi-Fi", "bursts of loss"), ("3G", "delay 150 ± 30 ms"), ("Satellite", "delay 600"), ("Everything", "corrupt 10")]:
        yodel.number("Corrupt").fill("50")
        expect(yodel.in_force).to_contain_text("corrupt 50 %")
        yodel.button(name).click()
        expect(yodel.in_force).to_contain_text(words)
        expect(yodel.in_force).not_to_contain_text("corrupt 50 %")


def test_what_is_rarely_set(yodel):
    panel = yodel.panel("Impairments")
    panel.get_by_text("More: rate, seed, bursts, expiry").click()
    yodel.number("Loss").fill("1")
    yodel.number("Rate").fill("500")
    yodel.number("Seed").fill("42")
    yodel.number("Burst begins").fill("2")
    yodel.number("Burst ends").fill("60")
    yodel.number("Expiry").fill("600000")
    panel.get_by_role("combobox", name="Distribution").select_option("normal")
    expect(yodel.in_force).to_contain_text("rate 500 kbit/s")
    expect(yodel.page.get_by_text(re.compile(r"\d+ s left"))).to_be_visible()
    yodel.number("Expiry").press("Enter")
    expect(yodel.in_force).to_contain_text("bursts of loss (enter 2 %, leave 60 %)")
    now = in_force(yodel.gateway)
    assert (now["rate_kbit"], now["seed"], now["distribution"]) == (500, 42, "normal")
    assert now["burst_loss"] == {"enter_percent": 2, "leave_percent": 60}
    assert 0 < now["expires_in_ms"] <= 600_000


def test_a_value_out_of_range_is_told_and_not_sent(yodel):
    yodel.number("Loss").fill("101")
    expect(yodel.panel("Impairments")).to_contain_text("Loss: Value must be less than or equal to 100")
    assert in_force(yodel.gateway)["loss_percent"] == 0


def test_a_slider_is_the_same_control_for_the_hand(yodel):
    slider = yodel.panel("Impairments").locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    yodel.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(yodel.in_force).to_contain_text(re.compile(r"loss (4\d|5\d) %"))
    assert float(yodel.number("Loss").input_value()) == in_force(yodel.gateway)["loss_percent"]


def test_a_target_that_is_not_embedded_is_told_apart(yodel):
    yodel.number("Loss").fill("5")
    expect(yodel.in_force).to_be_visible()
    yodel.target.select_option("shouting")
    expect(yodel.panel("Impairments")).to_contain_text("They do not touch messages to “shouting”")
    yodel.target.select_option("echo")
    expect(yodel.panel("Impairments")).not_to_contain_text("They do not touch")


def test_a_lost_datagram_is_seen_in_every_panel(yodel):
    yodel.expects_status(504)
    yodel.number("Loss").fill("100")
    expect(yodel.in_force).to_have_text("Impairments in force: loss 100 %.")
    exchange = yodel.sends("into the void", timeout_ms=50)
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("No reply within 50 ms$"))
    expect(yodel.lines.filter(has_text="into the void")).to_contain_text("lost")


def test_refused_control_is_told_in_words(yodel):
    yodel.expects_status(403)
    problem = {"type": "urn:yodel:problem:control-refused", "title": "Refused", "status": 403, "detail": "this needs a token <b>"}
    yodel.page.route("**/api/echo/impairments", lambda route: route.fulfill(status=403, json=problem, content_type="application/problem+json"))
    yodel.button("3G").click()
    expect(yodel.panel("Impairments")).to_contain_text("this needs a token <b>")
    expect(yodel.in_force).to_have_count(0)


def test_the_gateway_itself_refuses_who_comes_through_a_proxy(open_page, start):
    yodel = open_page(gateway=start(options=["--allow-anonymous"]), extra_http_headers={"X-Forwarded-For": "192.0.2.1"})
    yodel.expects_status(403)
    expect(yodel.panel("Traffic")).to_contain_text("token")
    yodel.button("3G").click()
    expect(yodel.panel("Impairments")).to_contain_text("token")
    expect(yodel.sends("this is open").get_by_role("heading")).to_have_text(re.compile("Reply$"))


def test_without_an_echo_server_there_is_nothing_to_impair(open_page, start, targets):
    gateway = start({"lab": targets["shouting"]}, options=["--no-echo"])
    yodel = open_page(gateway=gateway, is_open=False)
    yodel.page.goto(gateway.url)
    expect(yodel.panel("Impairments")).to_contain_text("no embedded echo server")
    expect(yodel.number("Loss")).to_be_disabled()
    expect(yodel.button("Reset")).to_be_disabled()
    expect(yodel.sends("hello", target="lab")).to_contain_text("HELLO")
    yodel.button("Lose some").click()
    expect(yodel.panel("What is UDP?")).to_contain_text("without it (--no-echo)")


def test_three_clicks_show_what_can_happen_and_leave_all_as_it_was(yodel):
    yodel.gateway.ask("PUT", "api/echo/impairments", {"rate_kbit": 100_000, "seed": 9})
    expect(yodel.in_force).to_contain_text("rate 100,000", timeout=10_000)
    lesson = yodel.panel("What is UDP?")
    for name, words in [
        ("Lose some", r"\d+ of 20 were lost|chance"), ("Double some", r"\d+ of 20 came back twice|chance"),
        ("Shuffle some", r"\d+ of 20 were overtaken|chance"),
    ]:
        yodel.button(name).click()
        expect(lesson).to_contain_text(re.compile(words), timeout=10_000)
        expect(yodel.button(name)).to_be_enabled()
        expect(lesson.get_by_role("list", name="Sent").get_by_role("listitem")).to_have_count(20)
        back = lesson.get_by_role("list", name="Came back, in this order").get_by_role("listitem").all_text_contents()
        assert set(map(int, back)) <= set(range(1, 21))
        assert {"Lose some": len(back) <= 20, "Double some": len(back) >= 20, "Shuffle some": len(back) == 20}[name]
        now = in_force(yodel.gateway)
        assert (now["rate_kbit"], now["seed"], now["loss_percent"], now["expires_in_ms"]) == (100_000, 9, 0, None)
