"""A gateway with a token: the page asks for it, keeps it in its tab and shows it to nobody."""

import json
import re

import pytest
from playwright.sync_api import expect

from servers import Gateway
from test_copy import run

TOKEN = "a-token-of-this-test-0123456789"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    file = tmp_path_factory.mktemp("secret") / "token"
    file.touch(0o600)
    file.write_text(TOKEN + "\n")
    gateway = Gateway(options=["--token-file", file])
    yield gateway
    gateway.stop()


@pytest.fixture
def locked(open_page, guarded):
    """The page of a gateway with a token, before it has been given."""
    yodel = open_page(gateway=guarded, is_open=False)
    yodel.expects_status(401)
    yodel.page.goto(guarded.url)
    yodel.token = yodel.page.get_by_role("textbox", name="Token", exact=True)
    expect(yodel.token).to_be_visible()
    return yodel


def unlock(yodel):
    yodel.token.fill(TOKEN)
    yodel.token.press("Enter")
    expect(yodel.target).to_have_value("echo")
    expect(yodel.token).to_have_count(0)


def test_the_page_asks_for_the_token_and_works_with_it(locked):
    unlock(locked)
    expect(locked.sends("with leave").get_by_role("heading")).to_have_text(re.compile("Reply$"))
    expect(locked.page.locator("#about")).to_contain_text(re.compile(r"Yodel \d"))


def test_a_wrong_token_is_asked_for_again(locked):
    locked.token.fill("another-token-0123456789")
    locked.token.press("Enter")
    expect(locked.token).to_have_accessible_description(re.compile("did not take this token"))
    unlock(locked)


def test_a_message_without_a_token_is_told(locked):
    expect(locked.presses_send().get_by_role("heading")).to_contain_text("The gateway wants a token")


def test_the_token_stays_in_its_tab_and_out_of_the_address(locked):
    unlock(locked)
    locked.page.reload()
    expect(locked.target).to_have_value("echo")
    assert TOKEN not in locked.page.url
    assert locked.page.evaluate("document.cookie + JSON.stringify(localStorage)").find(TOKEN) == -1
    assert not any(TOKEN in url for url in locked.requests)
    other = locked.page.context.new_page()
    other.goto(locked.gateway.url)
    expect(other.get_by_role("textbox", name="Token", exact=True)).to_be_visible()


def test_a_copied_command_names_the_token_and_never_tells_it(locked):
    unlock(locked)
    exchange = locked.presses_send()
    for name, spelling in [("curl", '"Authorization: Bearer $YODEL_TOKEN"'), ("Python", 'os.environ["YODEL_TOKEN"]')]:
        command = locked.copied(exchange, name)
        assert spelling in command
        assert TOKEN not in command
        assert json.loads(run(f"export YODEL_TOKEN={TOKEN}\n{command}"))["reply"] == "hello from client!!"
        refused = json.loads(run(f"export YODEL_TOKEN=another-token-0123456789\n{command}"))
        assert refused["type"] == "urn:yodel:problem:unauthorized"


def test_every_panel_works_with_the_token(locked):
    unlock(locked)
    expect(locked.panel("Traffic")).to_contain_text("Live")
    locked.sends("seen with leave")
    expect(locked.lines.first).to_contain_text("seen with leave")
    locked.number("Duplicate").fill("100")
    expect(locked.in_force).to_contain_text("duplicate 100")
    locked.number("Count").fill("5")
    locked.number("Interval").fill("1")
    locked.button("Start").click()
    expect(locked.panel("Series")).to_contain_text(re.compile(r"5 of 5 came back intact; [45] duplicated\."))
    locked.button("Reset").click()
    expect(locked.in_force).to_have_count(0)


def test_before_the_token_the_panels_say_so_and_do_not_break(locked):
    expect(locked.panel("Traffic")).to_contain_text("token")
    locked.number("Loss").fill("5")
    expect(locked.panel("Impairments")).to_contain_text("token")
    locked.button("Start").click()
    expect(locked.panel("Series")).to_contain_text("token")
    locked.button("Lose some").click()
    expect(locked.panel("What is UDP?")).to_contain_text("token")
    unlock(locked)
    expect(locked.panel("Traffic")).to_contain_text("Live")
