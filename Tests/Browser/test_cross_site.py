"""Pages of other origins, in a real browser: they may try what they like, no datagram leaves and nothing is read."""

import http.server
import json
import re
import threading
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from conftest import CHROMIUM
from servers import Gateway, UDPServer

PAGE = b"<!doctype html><title>Another origin</title><p>Nothing to see here."

# Each gets the gateway's URL, ends when the browser has had its answer, and says what the page could see of it.
ATTACKS = {
    "fetch": """url => fetch(url + "api/messages?target=lab", { method: "POST", mode: "no-cors", body: "forged" })
        .then((answer) => answer.type, (error) => error.name)""",
    "fetch with credentials": """url => fetch(url + "api/messages?target=lab",
        { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({ message: "forged" }) })
        .then((answer) => answer.type, (error) => error.name)""",
    "fetch to read": """url => fetch(url + "api/messages?target=lab", { method: "POST", body: "forged" })
        .then((answer) => answer.text(), (error) => error.name)""",
    "fetch of JSON": """url => fetch(url + "api/messages", { method: "POST",
        headers: { "Content-Type": "application/json" }, body: '{"message":"forged","target":"lab"}' })
        .then((answer) => answer.text(), (error) => error.name)""",
    "fetch with a token": """url => fetch(url + "api/messages", { method: "POST",
        headers: { Authorization: "Bearer guess" }, body: "forged" })
        .then((answer) => answer.text(), (error) => error.name)""",
    "read": """url => fetch(url + "api/targets").then((answer) => answer.text(), (error) => error.name)""",
    "image": """url => new Promise((done) => {
        const image = new Image();
        image.onload = () => done("loaded");
        image.onerror = () => done("error");
        image.src = url + "favicon.svg";
    })""",
    "script": """url => new Promise((done) => {
        const script = document.createElement("script");
        script.onload = () => done("loaded");
        script.onerror = () => done("error");
        script.src = url + "bytes.js";
        document.body.append(script);
    })""",
    "image of a probe": """url => new Promise((done) => {
        const image = new Image();
        image.referrerPolicy = "no-referrer";
        image.onload = () => done("loaded");
        image.onerror = () => done("error");
        image.src = url + "probe?target=lab&message=forged";
    })""",
    "fetch of a probe": """url => fetch(url + "probe?target=lab&message=forged", { mode: "no-cors" })
        .then((answer) => answer.type, (error) => error.name)""",
    "XMLHttpRequest": """url => new Promise((done) => {
        const request = new XMLHttpRequest();
        request.onloadend = () => done(request.status === 0 ? "error" : request.responseText);
        request.open("POST", url + "api/messages?target=lab");
        request.send("forged");
    })""",
    "sandboxed frame": """url => new Promise((done) => {
        addEventListener("message", (event) => done(event.data), { once: true });
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts allow-forms";
        frame.srcdoc = `<script>fetch("${url}api/messages?target=lab", { method: "POST", mode: "no-cors", body: "forged" })
            .then((answer) => parent.postMessage(answer.type, "*"), (error) => parent.postMessage(error.name, "*"))<\\/script>`;
        document.body.append(frame);
    })""",
}
# They load what is there for all, or ask beforehand, which is granted to none: no message gets to the gateway.
WITHOUT_A_MESSAGE = {"fetch of JSON", "fetch with a token", "read", "image", "script"}


class OtherSite(http.server.ThreadingHTTPServer):
    """A web server on a port of its own, with an empty page at every path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


@pytest.fixture(scope="module")
def site():
    site = OtherSite()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def lab():
    lab = UDPServer(lambda datagram: datagram)
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def attacked(lab):
    gateway = Gateway({"lab": lab.address})
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def page_at(browser):
    """`page_at(url)` opens a URL, in the one page that these tests share."""
    context = browser.new_context()
    page = context.new_page()

    def page_at(url):
        page.goto(url)
        return page

    yield page_at
    context.close()


@pytest.fixture(autouse=True)
def nothing_is_sent(attacked, lab):
    """What a program sends after the attack is the first that the target gets."""
    before = len(lab.received)
    yield
    request = urllib.request.Request(attacked.url + "/api/messages?target=lab", b"after", {"Content-Type": "text/plain"})
    assert json.load(urllib.request.urlopen(request))["match"] is True
    assert lab.received[before:] == [b"after"]


def refused(gateway):
    """How many requests were answered 403 or 421."""
    text = urllib.request.urlopen(gateway.url + "/metrics").read().decode()
    return sum(map(int, re.findall(r'^yodel_http_requests_total\{.*,code="(?:403|421)"\} (\d+)$', text, re.M)))


# Another port of the same host is another origin of the same site; another name of it is another site.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("name", ATTACKS)
def test_a_page_of_another_origin(page_at, site, attacked, name, host):
    before = refused(attacked)
    page = page_at(f"http://{host}:{site.server_port}/")
    # Nothing of an answer is shown to it, not even that there is one (Cross-Origin-Resource-Policy).
    assert page.evaluate(ATTACKS[name], attacked.url + "/") in ("TypeError", "error")
    assert refused(attacked) - before == (0 if name in WITHOUT_A_MESSAGE else 1)


@pytest.mark.parametrize("encoding", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_another_origin(page_at, site, attacked, encoding):
    page = page_at(f"http://localhost:{site.server_port}/")
    with page.expect_navigation() as navigation:
        page.evaluate("""([url, encoding]) => {
            const form = document.createElement("form");
            Object.assign(form, { method: "post", action: url + "/api/messages?target=lab", enctype: encoding });
            form.append(Object.assign(document.createElement("input"), { name: "message", value: "forged" }));
            document.body.append(form);
            form.submit();
        }""", [attacked.url, encoding])
    assert navigation.value.status == 403
    assert "urn:yodel:problem:cross-site" in page.content()


def test_a_beacon_of_another_origin(page_at, site, attacked):
    before = refused(attacked)
    page = page_at(f"http://localhost:{site.server_port}/")
    assert page.evaluate("url => navigator.sendBeacon(url, 'forged')", attacked.url + "/api/messages?target=lab")
    # Nobody hears what becomes of a beacon.
    deadline = time.monotonic() + 15
    while refused(attacked) == before:
        assert time.monotonic() < deadline


def test_the_page_is_framed_by_nobody(page_at, site, attacked):
    page = page_at(f"http://localhost:{site.server_port}/")
    with page.expect_console_message(lambda line: "frame-ancestors" in line.text or "framing" in line.text.lower()):
        page.evaluate("""url => {
            const frame = document.createElement("iframe");
            frame.src = url;
            document.body.append(frame);
        }""", attacked.url)
    assert all(frame.get_by_role("button", name="Send").count() == 0 for frame in page.frames)


def test_its_own_page_is_let_through(page_at, attacked):
    page = page_at(attacked.url)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("log", name="Exchanges")).to_contain_text("Reply")


@pytest.fixture(scope="module")
def rebound(browser):
    """A browser for which a foreign name has come to mean this machine (DNS rebinding)."""
    words = ["--no-sandbox", "--host-resolver-rules=MAP evil.example 127.0.0.1"]
    browser = browser.browser_type.launch(executable_path=CHROMIUM, args=words)
    yield browser
    browser.close()


def test_a_foreign_name_for_this_machine(rebound, site, attacked):
    before = refused(attacked)
    page = rebound.new_page()
    assert page.goto(f"http://evil.example:{attacked.port}/").status == 421
    assert "urn:yodel:problem:wrong-host" in page.content()
    # Of the same origin now, it reads the answer: that is a refusal.
    send = """() => fetch("/api/messages?target=lab", { method: "POST", body: "forged" }).then((answer) => answer.json())"""
    assert page.evaluate(send)["type"] == "urn:yodel:problem:wrong-host"
    assert page.evaluate("() => fetch('/api/targets').then((answer) => answer.status)") == 421
    # Chromium tries once more after a 421, on a new connection.
    assert refused(attacked) > before
    page.close()
