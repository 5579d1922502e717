"""For everyone: by keyboard, on a phone, in light and dark, by screen reader."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
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


@pytest.mark.parametrize("width", [1000, 1280, 1440, 1920])
@pytest.mark.usefixtures("nothing_impaired")
def test_panels_side_by_side_end_together(yodel, width):
    """No gap under the shorter of two, however much the other has to say."""
    yodel.page.set_viewport_size({"width": width, "height": 900})
    for fill in [lambda: None, lambda: [yodel.presses_send() for _ in range(3)]]:
        fill()
        [form, log] = [yodel.panel(name).bounding_box() for name in ["Send a message", "Exchanges"]]
        assert form["y"] == log["y"] and form["height"] == log["height"]
        boxes = yodel.page.locator("main > section").evaluate_all("all => all.map((each) => each.getBoundingClientRect().toJSON())")
        assert {round(box["right"]) for box in boxes[1:]} == {round(boxes[1]["right"])}
        below = [boxes[0], *boxes[2:]]
        gaps = {round(next_one["top"] - box["bottom"]) for box, next_one in zip(below, below[1:])}
        assert len(gaps) == 1 and {round(box["left"]) for box in below} == {round(boxes[0]["left"])}
    assert yodel.page.evaluate("document.documentElement.scrollWidth") == width


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


def fill_every_panel(yodel):
    fill_the_log(yodel)
    yodel.number("Loss").fill("20")
    yodel.number("Delay").fill("5")
    expect(yodel.in_force).to_contain_text("delay 5 ms")
    yodel.page.get_by_text("More: rate, seed, bursts, expiry").click()
    yodel.timeout.fill("50")
    for name, value in [("Count", 20), ("Interval", 1)]:
        yodel.number(name).fill(str(value))
    yodel.button("Start").click()
    expect(yodel.panel("Series").get_by_text("Done.", exact=True)).to_be_visible()
    yodel.button("Shuffle some").click()
    expect(yodel.panel("What is UDP?")).to_contain_text(re.compile("overtaken|chance"))
    yodel.button("Pause").click()
    yodel.lines.first.click()
    expect(yodel.panel("Traffic").get_by_role("group", name="Its bytes in hex")).to_be_visible()


VIEWS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 740}, "is_mobile": True, "has_touch": True},
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.usefixtures("nothing_impaired")
def test_axe_finds_nothing_against_it(open_page, view):
    yodel = open_page(reduced_motion="reduce", **VIEWS[view])
    axe = Axe()
    for fill in [lambda yodel: None, fill_every_panel]:
        fill(yodel)
        results = axe.run(yodel.page)
        assert results.violations_count == 0, results.generate_report()
        assert yodel.page.evaluate(LOW_CONTRAST) == []
        if view == "phone":
            assert yodel.page.evaluate("document.documentElement.scrollWidth") == 375


@pytest.mark.usefixtures("nothing_impaired")
def test_every_panel_is_reached_by_keyboard_and_shows_where_it_is(yodel):
    """Tab goes through the page once, in the order in which it is read, and never gets caught."""
    yodel.page.get_by_text("More: rate, seed, bursts, expiry").scroll_into_view_if_needed()
    expect(yodel.button("3G")).to_be_visible()
    yodel.page.evaluate("scrollTo(0, 0)")
    names = []
    for _ in range(60):
        yodel.page.keyboard.press("Tab")
        name = yodel.page.evaluate("""() => {
            const { activeElement: it } = document;
            return it === document.body ? null : it.labels?.[0]?.textContent || it.ariaLabel || it.role || it.textContent;
        }""")
        if name is None:
            break
        assert yodel.page.evaluate(HAS_FOCUS_RING), name
        names.append(name.strip())
    for stops in [
        ["Message", "Target", "Timeout", "Send"], ["Lose some", "Double some", "Shuffle some"],
        ["Reset", "Lossy Wi-Fi", "3G", "Satellite", "Everything", "Loss", "Delay", "Jitter", "Duplicate", "Corrupt", "Reorder"],
        ["Count", "Interval", "Size", "Start"], ["Pause", "Filter", "log"],
    ]:
        at = names.index(stops[0])
        assert names[at:at + len(stops)] == stops
    assert len(names) == len(set(names)) < 60


@pytest.mark.usefixtures("nothing_impaired")
def test_live_regions_do_not_shout(yodel):
    """What is spoken by itself: one sentence at a time, and never what ticks."""
    live = yodel.page.evaluate("""Array.from(document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log], output"),
        (element) => [element.id, element.role, element.ariaLive])""")
    assert sorted(live) == [
        ["announcement", None, "polite"], ["exchanges", "log", "off"], ["in-force", "status", None],
        ["traffic", "log", "off"], ["unreachable", "status", None],
    ]
    yodel.gateway.ask("PUT", "api/echo/impairments", {"loss_percent": 1, "expires_in_ms": 100_000})
    expect(yodel.in_force).to_have_text("Impairments in force: loss 1 %.", timeout=10_000)
    yodel.page.evaluate("""() => {
        globalThis.spoken = 0;
        new MutationObserver((changes) => { spoken += changes.length; })
            .observe(document.getElementById("in-force"), { childList: true, characterData: true, subtree: true });
    }""")
    left = yodel.page.get_by_text(re.compile(r"^\d+ s left$"))
    before = left.text_content()
    expect(left).not_to_have_text(before, timeout=10_000)
    assert yodel.page.evaluate("spoken") == 0


@pytest.mark.usefixtures("nothing_impaired")
@pytest.mark.parametrize("width", [375, 1280])
def test_what_has_the_focus_is_not_under_the_bar(yodel, width):
    yodel.page.set_viewport_size({"width": width, "height": 700})
    yodel.gateway.ask("PUT", "api/echo/impairments", {"loss_percent": 1, "delay_ms": 1, "jitter_ms": 1, "duplicate_percent": 1})
    expect(yodel.in_force).to_be_visible(timeout=10_000)
    yodel.button("Pause").focus()
    hidden = []
    for _ in range(20):
        yodel.page.keyboard.press("Shift+Tab")
        hidden += yodel.page.evaluate("""() => {
            const [element, bar] = [document.activeElement, document.getElementById("in-force-bar")];
            const [shown, above] = [element.getBoundingClientRect(), bar.getBoundingClientRect()];
            const isUnder = !bar.contains(element) && shown.top < above.bottom && shown.bottom > above.top;
            return isUnder ? [element.id || element.textContent] : [];
        }""")
    assert hidden == []
