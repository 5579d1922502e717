"""A copied command is run as it was copied, and does what the page did."""

import base64
import json
import os
import subprocess

import pytest
from playwright.sync_api import expect

TEXTS = [
    "hello from client!!",
    "it's \"quoted\" $HOME `id` $(id) \\n 100% %s !! # & | ; > < * ~",
    "-n looks like an option",
    "two\nlines\n\nand a tab\t.\n",
    "Grüße 👩🏽‍🚀 \u202ertl\x1b[31m\x00\x7f",
    "PYTHON\nJSON\nEOF\n",
    "\n".join(f"line {number}" for number in range(1000)),
    "@/etc/passwd",
]


def run(command):
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # By stdin, as when pasted: as an argument of bash it would itself be bound by an argument's length.
    done = subprocess.run(["bash"], input=command.encode(), capture_output=True, timeout=20, env=environment)
    assert done.stderr == b""
    return done.stdout


@pytest.mark.parametrize("name", ["curl", "Python"])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_request_through_the_gateway(yodel, name, text):
    command = yodel.copied(yodel.sends(text, target="shouting"), name)
    answer = json.loads(run(command))
    assert answer["reply"] == text.encode().upper().decode()
    assert answer["target"] == "shouting"


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_netcat_past_the_gateway(yodel, text):
    command = yodel.copied(yodel.sends(text, timeout_ms=1000), "nc")
    assert run(command) == text.encode()


def test_bytes(yodel):
    sent = bytes(range(256))
    yodel.timeout.fill("1000")
    yodel.choose_hex()
    yodel.hex.fill(sent.hex())
    exchange = yodel.presses_send()
    for name in ["curl", "Python"]:
        assert base64.b64decode(json.loads(run(yodel.copied(exchange, name)))["reply_base64"]) == sent
    assert run(yodel.copied(exchange, "nc")) == sent


def test_a_message_longer_than_an_argument_may_be(yodel):
    text = "\x01" * 60_000
    exchange = yodel.sends(text)
    assert json.loads(run(yodel.copied(exchange, "curl")))["reply"] == text
    exchange.get_by_role("button", name="Copy as nc", exact=True).click()
    expect(exchange).to_contain_text("nc would split it")


def test_a_command_holds_nothing_that_acts_on_a_terminal(yodel):
    exchange = yodel.sends("\x1b[31m\u202e\u200b\x00\x9b")
    for name in ["curl", "Python", "nc"]:
        assert yodel.copied(exchange, name).replace("\n", "").isprintable()


def test_copying_works_without_a_secure_context(open_page):
    def insecure(page):
        page.add_init_script("""
            Object.defineProperty(window, "isSecureContext", { get: () => false });
            Object.defineProperty(Navigator.prototype, "clipboard", { get: () => undefined });
        """)

    yodel = open_page(before=insecure)
    exchange = yodel.sends("copied the old way")
    button = exchange.get_by_role("button", name="Copy as curl", exact=True)
    button.click()
    expect(exchange).to_contain_text("Copied.")
    expect(button).to_be_focused()
    yodel.message.fill("")
    yodel.message.press("Control+V")
    assert json.loads(run(yodel.message.input_value()))["reply"] == "copied the old way"
