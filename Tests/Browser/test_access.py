"""For everyone: by keyboard, on a phone, in light and dark, by screen reader."""

import re

import pytest
from playwright.sync_api import expect

HAS_FOCUS_RING = """() => {
    const drawn = (element) => element && getComputedStyle(element).outlineStyle !== "none";
    return drawn(document.activeElement) || drawn(document.activeElement.nextElementSibling);
}"""

# Every text on the page against the background it is really on: WCAG's contrast, AA.
LOW_CONTRAST = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
        const value = [r, g, b][i] / 255;
        return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    }, 0);
    const background = (element) => {
        for (; element; element = element.parentElement) {
            const colour = channels(getComputedStyle(element).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    return Array.from(document.querySelectorAll("body *")).filter((element) =>
        element.checkVisibility() && !element.closest(".visually-hidden")
        && (element.value || Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim()))
    ).map((element) => {
        const [a, b] = [channels(getComputedStyle(element).color), background(element)].map(luminance);
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML.slice(0, 120)];
    }).filter(([ratio]) => ratio < 4.5);
}"""


def fill_the_log(yodel):
    yodel.expects_status(502)
    yodel.expects_status(504)
    yodel.sends("x" * 700)
    yodel.sends("\x1b\u202e" + "wide" * 40, target="shouting")
    yodel.sends("hello" * 30, target="binary")
    yodel.sends("anyone?", target="closed")
    yodel.sends("anyone?", target="silent", timeout_ms=50)


def test_everything_works_by_keyboard_and_shows_where_it_is(yodel):
    press = yodel.page.keyboard.press
    text = yodel.page.get_by_role("radio", name="Text", exact=True)
    for stop in [text, yodel.message, yodel.target, yodel.timeout, yodel.send]:
        press("Tab")
        expect(stop).to_be_focused()
        assert yodel.page.evaluate(HAS_FOCUS_RING)
    press("Enter")
    expect(yodel.newest.get_by_role("heading")).to_have_text(re.compile("Reply$"))
    for name in ["Resend", "Copy as curl", "Copy as Python", "Copy as nc"]:
        press("Tab")
        expect(yodel.newest.get_by_role("button", name=name, exact=True)).to_be_focused()
        assert yodel.page.evaluate(HAS_FOCUS_RING)
    press("Space")
    expect(yodel.newest).to_contain_text("Copied.")


def test_hex_is_reached_by_keyboard(yodel):
    yodel.page.keyboard.press("Tab")
    yodel.page.keyboard.press("ArrowRight")
    expect(yodel.hex).to_be_visible()
    yodel.page.keyboard.press("Tab")
    expect(yodel.hex).to_be_focused()
    yodel.page.keyboard.press("Control+Enter")
    expect(yodel.newest.get_by_role("heading")).to_have_text(re.compile("Reply$"))


def test_a_phone_never_scrolls_sideways(open_page):
    yodel = open_page(viewport={"width": 375, "height": 700}, is_mobile=True, has_touch=True)
    fill_the_log(yodel)
    assert yodel.page.evaluate("document.documentElement.scrollWidth") == 375


def test_on_a_phone_the_reply_comes_into_sight(open_page):
    yodel = open_page(viewport={"width": 375, "height": 600}, is_mobile=True, has_touch=True)
    expect(yodel.presses_send().get_by_role("heading")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(open_page, scheme):
    yodel = open_page(color_scheme=scheme, reduced_motion="reduce")
    assert yodel.page.evaluate(LOW_CONTRAST) == []
    fill_the_log(yodel)
    yodel.choose_hex()
    yodel.hex.fill("f")
    assert yodel.page.evaluate(LOW_CONTRAST) == []


def test_one_sentence_is_spoken_for_an_exchange(yodel):
    yodel.presses_send()
    spoken = yodel.page.locator("[aria-live=polite]")
    expect(spoken).to_have_text(re.compile(r"^Reply\. Byte for byte what was sent\. [\d.]+ ms\.$"))
    expect(yodel.log).to_have_attribute("aria-live", "off")


def test_nothing_moves_for_those_who_ask_for_it(open_page):
    yodel = open_page(reduced_motion="reduce")
    assert yodel.presses_send().evaluate("article => getComputedStyle(article).animationName") == "none"
