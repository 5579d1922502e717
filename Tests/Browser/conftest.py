import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from servers import ClosedPort, Gateway, UDPServer

CHROMIUM = os.environ.get("YODEL_CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def targets():
    servers = {
        "silent": UDPServer(lambda datagram: None),
        "shouting": UDPServer(bytes.upper),
        "cutting": UDPServer(lambda datagram: datagram[:5]),
        "binary": UDPServer(lambda datagram: b"\xff\xfe" + datagram[2:]),
        "closed": ClosedPort(),
    }
    yield {name: server.address for name, server in servers.items()}
    for server in servers.values():
        server.stop()


@pytest.fixture(scope="session")
def gateway(targets):
    gateway = Gateway(targets)
    yield gateway
    gateway.stop()


class Yodel:
    """The page as its user finds it: by role and name."""

    def __init__(self, page, gateway):
        self.page = page
        self.gateway = gateway
        self.message = page.get_by_role("textbox", name="Message", exact=True)
        self.hex = page.get_by_role("textbox", name="Message in hex", exact=True)
        self.target = page.get_by_role("combobox", name="Target", exact=True)
        self.timeout = page.get_by_role("spinbutton", name="Timeout", exact=True)
        self.send = page.get_by_role("button", name="Send", exact=True)
        self.log = page.get_by_role("log", name="Exchanges", exact=True)
        self.exchanges = self.log.get_by_role("article")
        self.unreachable = page.get_by_role("status", name="Cannot reach the gateway", exact=True)
        self.in_force = page.get_by_role("status", name="Impairments in force", exact=True)
        self.traffic = page.get_by_role("log", name="Traffic", exact=True)
        self.lines = self.traffic.get_by_role("button")
        self.expected_errors = []

    def open(self):
        self.page.goto(self.gateway.url)
        expect(self.target).to_have_value("echo")
        return self

    def close(self):
        self.page.context.close()

    def panel(self, name):
        return self.page.get_by_role("region", name=name, exact=True)

    def number(self, name):
        return self.page.get_by_role("spinbutton", name=name, exact=True)

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def module(self, name, body):
        """What a function of one of the page's modules gives; `m` is the module."""
        return self.page.evaluate(f"import(new URL('{name}', document.baseURI)).then((m) => {body})")

    def saved(self, button):
        """The file that a button offers to save."""
        with self.page.expect_download() as download:
            button.click()
        return Path(download.value.path()).read_bytes()

    def choose_hex(self):
        # The radio button itself is drawn by its label.
        self.page.get_by_role("radio", name="Hex", exact=True).check(force=True)

    def sends(self, text, target="echo", timeout_ms=2000):
        """Sends a text and gives its exchange back when it is decided."""
        self.message.fill(text)
        self.target.select_option(target)
        self.timeout.fill(str(timeout_ms))
        return self.presses_send()

    def presses_send(self):
        before = self.exchanges.count()
        self.send.click()
        expect(self.exchanges).to_have_count(before + 1)
        expect(self.newest.get_by_role("heading")).not_to_have_text(re.compile("Waiting"))
        return self.newest

    @property
    def newest(self):
        return self.exchanges.first

    def copied(self, exchange, name):
        exchange.get_by_role("button", name=f"Copy as {name}", exact=True).click()
        expect(exchange.get_by_text(re.compile("^Copied"))).to_be_visible()
        return self.page.evaluate("navigator.clipboard.readText()")

    def expects_status(self, status):
        """The browser itself writes a line for each failed status; the test asked for this one."""
        self.expected_errors.append(f"the server responded with a status of {status}")

    def expects_no_connection(self):
        self.expected_errors += ["net::ERR_CONNECTION_", "net::ERR_EMPTY_RESPONSE", "a status of 503"]


@pytest.fixture
def start():
    """Starts gateways of a test's own, which end after its pages: a page that loses its gateway writes errors."""
    started = []

    def start(*arguments, **options):
        started.append(Gateway(*arguments, **options))
        return started[-1]

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture
def own(start):
    """A gateway whose echo server has seen nothing yet."""
    return start()


@pytest.fixture
def open_page(browser, gateway, start):
    """Opens the page with the options of a browser context; afterwards looks for what should not have happened."""
    opened = []

    def open_page(gateway=gateway, before=None, is_open=True, **options):
        context = browser.new_context(**options)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=gateway.url)
        page = context.new_page()
        yodel = Yodel(page, gateway)
        yodel.errors = []
        yodel.requests = []
        page.on("console", lambda line: line.type in ("error", "warning") and yodel.errors.append(line.text))
        page.on("pageerror", lambda error: yodel.errors.append(str(error)))
        page.on("dialog", lambda dialog: (yodel.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: yodel.requests.append(request.url))
        opened.append((context, yodel))
        if before:
            before(page)
        return yodel.open() if is_open else yodel

    yield open_page
    for context, yodel in opened:
        context.close()
        surprises = [line for line in yodel.errors if not any(expected in line for expected in yodel.expected_errors)]
        assert surprises == []
        origin = yodel.gateway.url.rstrip("/") + "/"
        assert [url for url in yodel.requests if not url.startswith(origin)] == []


@pytest.fixture
def yodel(open_page):
    return open_page()


@pytest.fixture
def nothing_impaired(gateway):
    """The embedded echo server answers as it should, before a test and after it."""
    gateway.ask("DELETE", "api/echo/impairments")
    yield
    gateway.ask("DELETE", "api/echo/impairments")
