"""A payload is hostile: whatever it says, it is only ever text. And it is bytes: text and hex are two views of them."""

import re

from playwright.sync_api import expect

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31mred \u202egnp.exe\u200b\ttab\nline"


def test_a_hostile_payload_stays_text(yodel):
    exchange = yodel.sends(HOSTILE)
    expect(exchange).to_contain_text("<script>alert(1)</script><img src=x onerror=alert(2)>")
    expect(exchange).to_contain_text(r"\x1b[31mred \u202egnp.exe\u200b\ttab\n line")
    assert yodel.log.locator("script, img").count() == 0
    assert not set(yodel.log.evaluate("log => log.textContent")) & set("\x1b\u202e\u200b")


def test_a_hostile_payload_stays_text_where_it_differs(yodel):
    exchange = yodel.sends("a" + HOSTILE, target="shouting")
    expect(exchange).to_contain_text("<SCRIPT>ALERT(1)</SCRIPT><IMG SRC=X ONERROR=ALERT(2)>")
    assert yodel.log.locator("script, img").count() == 0


def test_letters_and_emoji_of_any_language_are_left_alone(yodel):
    text = "Grüße, שלום, مرحبا, 你好, 👩🏽‍🚀 ❤️"
    expect(yodel.sends(text)).to_contain_text(text)


def test_bytes_are_counted_as_they_travel(yodel):
    for text, count in [("", "0 bytes"), ("a", "1 byte"), ("é", "2 bytes"), ("👋", "4 bytes"), ("a\nb", "3 bytes")]:
        yodel.message.fill(text)
        expect(yodel.message).to_have_accessible_description(count)


def test_a_message_that_will_be_fragmented_is_told(yodel):
    yodel.message.fill("x" * 1472)
    expect(yodel.page.get_by_text("fragmented")).to_have_count(0)
    yodel.message.fill("x" * 1473)
    expect(yodel.message).to_have_accessible_description(re.compile("1,473 bytes Over 1,472: .* fragmented"))


def test_hex_and_text_are_the_same_bytes(yodel):
    yodel.message.fill("hé\n")
    yodel.choose_hex()
    expect(yodel.hex).to_have_value("68 c3 a9 0a")
    expect(yodel.message).to_have_count(0)
    yodel.hex.fill("6869 0A21")
    yodel.page.get_by_role("radio", name="Text", exact=True).check(force=True)
    expect(yodel.message).to_have_value("hi\n!")


def test_hex_sends_any_bytes(yodel):
    yodel.choose_hex()
    yodel.hex.fill("00 ff 80")
    expect(yodel.hex).to_have_accessible_description(re.compile("^3 bytes"))
    with yodel.page.expect_request("**/api/messages") as request:
        exchange = yodel.presses_send()
    assert request.value.post_data_json["hex"] == "00ff80"
    expect(exchange.get_by_role("heading")).to_have_text(re.compile("Reply$"))
    expect(exchange).to_contain_text("00 ff 80")


def test_hex_of_a_text_comes_back_as_that_text(yodel):
    yodel.choose_hex()
    yodel.hex.fill("68 69 0d 0a")
    expect(yodel.presses_send()).to_contain_text(r"hi\r\n")


def test_wrong_hex_is_told_and_not_sent(yodel):
    yodel.choose_hex()
    for wrong, reason in [("6", "A digit is missing"), ("6869g0", "“g” is no hex digit"), ("0x68", "“x” is no hex digit")]:
        yodel.hex.fill(wrong)
        expect(yodel.hex).to_have_accessible_description(re.compile(reason))
        expect(yodel.hex).to_have_attribute("aria-invalid", "true")
        yodel.send.click()
        expect(yodel.hex).to_be_focused()
    expect(yodel.exchanges).to_have_count(0)


def test_bytes_that_a_text_field_cannot_hold_stay_hex(yodel):
    yodel.choose_hex()
    for untypeable in ["ff", "0d 0a"]:
        yodel.hex.fill(untypeable)
        expect(yodel.page.get_by_role("radio", name="Text", exact=True)).to_be_disabled()
        expect(yodel.hex).to_have_accessible_description(re.compile("no form as typed text"))
