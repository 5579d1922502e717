"""What a first visit costs, and what a busy feed does."""

import re
import threading
import time

from playwright.sync_api import expect

from servers import UDPClient


def test_a_first_visit_takes_less_than_60_kilobytes(own, open_page):
    """With the heads of all answers, and what the panels ask of the API."""
    fetched = {}

    def count(page):
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", lambda event: fetched.update({event["requestId"]: [event["request"]["url"], 0]}))
        session.on("Network.loadingFinished", lambda event: fetched[event["requestId"]].__setitem__(1, event["encodedDataLength"]))

    yodel = open_page(gateway=own, before=count)
    expect(yodel.panel("Traffic")).to_contain_text("Live")
    sizes = dict(fetched.values())
    assert sizes[own.url + "/"] > 3000 and sizes[own.url + "/traffic.js"] > 1000
    assert sum(sizes.values()) < 60_000, sorted(sizes.items())


def test_what_the_page_starts_with_is_fetched_at_once(own, open_page):
    yodel = open_page(gateway=own)
    preloaded = set(yodel.page.evaluate("Array.from(document.querySelectorAll('[rel=modulepreload]'), (link) => link.href)"))
    before_load = set(yodel.page.evaluate("""performance.getEntriesByType("resource")
        .filter(({ name, startTime }) => name.endsWith(".js") && startTime < performance.getEntriesByType("navigation")[0].domInteractive)
        .map(({ name }) => name)"""))
    assert preloaded | {own.url.rstrip("/") + "/app.js"} == before_load


def test_it_can_be_used_within_200_milliseconds(own, open_page):
    """Once in ten: other programs may want the processor, too."""
    times = []
    while not any(time < 200 for time in times) and len(times) < 10:
        yodel = open_page(gateway=own)
        times.append(yodel.page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
    assert min(times) < 200, times


def test_the_policy_lets_nothing_in_and_no_text_become_markup(yodel):
    yodel.expected_errors += ["Content Security Policy", "TrustedHTML", "TrustedScript"]
    refused = yodel.page.evaluate("""() => {
        const refused = [];
        document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => refused.push(violatedDirective));
        try { document.createElement("div").innerHTML = "<b>x</b>"; refused.push("let in"); } catch { refused.push("markup"); }
        const script = document.createElement("script");
        try { script.textContent = "window.ran = true"; } catch { refused.push("script"); }
        return refused;
    }""")
    assert {"markup", "script"} <= set(refused)
    assert "let in" not in refused


WATCH = """() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: "longtask", buffered: false });
}"""


class Stream:
    """Datagrams at a steady rate, as a program of its own would send them."""

    def __init__(self, gateway, a_second):
        self.client = UDPClient(gateway)
        self.interval = 1 / a_second
        self.sent = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        start = time.monotonic()
        while not self.stopping.is_set():
            self.client.echo(b"datagram %d of a stream, with some text" % self.sent)
            self.sent += 1
            self.stopping.wait(max(0, start + self.sent * self.interval - time.monotonic()))

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.client.socket.close()


def heap(yodel):
    """Bytes of JavaScript that are in use once what is not has been collected."""
    session = yodel.page.context.new_cdp_session(yodel.page)
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"]


def test_two_hundred_datagrams_a_second_are_no_burden(own, open_page):
    yodel = open_page(gateway=own)
    expect(yodel.panel("Traffic")).to_contain_text("Live")
    yodel.traffic.scroll_into_view_if_needed()
    yodel.page.evaluate(WATCH)
    stream = Stream(own, 200)
    try:
        expect(yodel.panel("Traffic")).to_contain_text(re.compile(r"Live, 1,[0-9]{3} datagrams"), timeout=20_000)
        nodes = yodel.page.evaluate("document.querySelectorAll('*').length")
        expect(yodel.panel("Traffic")).to_contain_text(re.compile(r"Live, (1,[5-9]|2,)\d* datagrams"), timeout=20_000)
    finally:
        stream.stop()
    # A machine that is busy with other things makes any task long now and then; a page that is slow makes many so.
    assert len(yodel.page.evaluate("longTasks")) <= 2
    assert yodel.page.evaluate("document.querySelectorAll('*').length") <= nodes + 20
    expect(yodel.lines.first).to_contain_text(f"datagram {stream.sent - 1} of a stream")
    # Of each that is kept some hundred bytes, and nothing of what was drawn.
    assert heap(yodel) < 12_000_000
