"""A series: started, drawn, counted, stopped, saved."""

import csv
import io
import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.usefixtures("nothing_impaired")


def run(yodel, count, interval=1, size=64):
    for name, value in [("Count", count), ("Interval", interval), ("Size", size)]:
        yodel.number(name).fill(str(value))
    yodel.button("Start").click()


def finished(yodel):
    panel = yodel.panel("Series")
    expect(panel.get_by_text("Done.", exact=True)).to_be_visible(timeout=15_000)
    return panel


def figure(panel, name):
    return panel.get_by_role("row", name=re.compile(f"^{name} ")).get_by_role("cell").text_content()


def test_a_series_is_counted_and_measured(yodel):
    run(yodel, 50)
    panel = finished(yodel)
    expect(panel).to_contain_text("50 of 50 came back, each once and in order.")
    times = [float(figure(panel, name).removesuffix(" ms")) for name in ["min", "p50", "p90", "p99", "max"]]
    assert times == sorted(times)
    assert times[0] > 0
    expect(panel.get_by_role("img", name=re.compile(r"^Round-trip times from .* 50 of 50 came back"))).to_be_visible()
    expect(panel.get_by_role("img", name=re.compile("How the round-trip times spread: most between"))).to_be_visible()
    expect(panel.get_by_role("progressbar")).to_have_js_property("value", 50)


def test_losses_duplicates_and_what_was_overtaken_are_told(yodel):
    seed = {"loss_percent": 20, "duplicate_percent": 20, "delay_ms": 20, "reorder_percent": 20, "corrupt_percent": 10, "seed": 3}
    yodel.gateway.ask("PUT", "api/echo/impairments", seed)
    yodel.timeout.fill("300")
    run(yodel, 100, interval=2)
    words = finished(yodel).get_by_text(re.compile(r"^\d+ of 100 came back intact;")).text_content()
    for kind in ["lost", "corrupted", "duplicated", "out of order", "% loss"]:
        assert re.search(rf"\d+(\.\d)?\s{kind}", words), words


def test_the_plot_has_drawn_something(yodel):
    run(yodel, 20)
    plot = finished(yodel).get_by_role("img", name=re.compile("^Round-trip times"))
    drawn = plot.evaluate("""async (canvas) => {
        await new Promise(requestAnimationFrame);
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
    }""")
    assert drawn > 5


def test_progress_is_shown_and_a_stop_keeps_what_there_is(yodel):
    run(yodel, 10_000, interval=5)
    panel = yodel.panel("Series")
    expect(panel.get_by_text(re.compile(r"^[1-9]\d* of 10,000$"))).to_be_visible()
    expect(yodel.button("Start")).to_be_disabled()
    yodel.button("Stop").click()
    expect(panel.get_by_text("Stopped.")).to_be_visible()
    sent, received = map(int, re.search(r"(\d+) of (\d+) came back", panel.text_content()).groups())
    assert 0 < received <= sent < 10_000
    assert float(figure(panel, "p50").removesuffix(" ms")) > 0
    expect(yodel.button("Start")).to_be_enabled()


def test_it_goes_to_the_target_that_is_chosen(yodel):
    yodel.expects_status(502)
    yodel.target.select_option("closed")
    yodel.timeout.fill("200")
    run(yodel, 5)
    expect(finished(yodel)).to_contain_text(re.compile("0 of 5 came back intact; .*unreachable"))


def test_a_refusal_is_told(yodel):
    yodel.expects_status(503)
    problem = {"type": "urn:yodel:problem:overloaded", "title": "Full", "status": 503, "detail": "16 series run <i>already</i>"}
    yodel.page.route("**/api/probes", lambda route: route.fulfill(status=503, json=problem, content_type="application/problem+json"))
    run(yodel, 5)
    expect(yodel.panel("Series")).to_contain_text("16 series run <i>already</i>")
    expect(yodel.button("Start")).to_be_enabled()


def test_what_is_out_of_range_is_not_sent(yodel):
    for name, value in [("Count", "0"), ("Count", "10001"), ("Interval", "60001"), ("Size", "23"), ("Size", "65508")]:
        before = yodel.number(name).input_value()
        yodel.number(name).fill(value)
        yodel.button("Start").click()
        expect(yodel.number(name)).to_be_focused()
        yodel.number(name).fill(before)
    assert not any("api/probes" in url for url in yodel.requests)


def test_it_is_saved_as_csv_and_json(yodel):
    run(yodel, 12)
    panel = finished(yodel)
    saved = json.loads(yodel.saved(panel.get_by_role("button", name="Save as JSON")))
    assert saved["summary"]["received"] == 12
    assert saved["request"]["count"] == 12
    assert sorted(line["seq"] for line in saved["datagrams"]) == list(range(1, 13))
    rows = list(csv.DictReader(io.StringIO(yodel.saved(panel.get_by_role("button", name="Save as CSV")).decode())))
    assert [(int(row["seq"]), row["fate"], float(row["rtt_ms"])) for row in rows] == [
        (line["seq"], line["fate"], line["rtt_ms"]) for line in saved["datagrams"]]


def test_a_stopped_series_is_counted_as_the_gateway_counts(yodel):
    """The page's own account of a whole series is the gateway's."""
    impairments = {"loss_percent": 10, "duplicate_percent": 10, "corrupt_percent": 10, "delay_ms": 5, "jitter_ms": 5, "seed": 11}
    yodel.gateway.ask("PUT", "api/echo/impairments", impairments)
    own, gateways = yodel.page.evaluate("""async () => {
        const [{ probe }, { SeriesRecord }] = await Promise.all(["probes.js", "statistics.js"].map((name) => import(new URL(name, document.baseURI))));
        const record = new SeriesRecord();
        for await (const line of probe({ count: 300, interval_ms: 1, timeout_ms: 200 })) {
            if (line.summary) return [record.summary(), line.summary];
            record.add(line);
        }
    }""")
    for name in ["sent", "received", "late", "corrupted", "lost", "unreachable", "duplicates", "reordered"]:
        assert (name, own[name]) == (name, gateways[name])
    assert own["loss_percent"] == pytest.approx(gateways["loss_percent"], abs=0.001)
    assert own["jitter_ms"] == pytest.approx(gateways["jitter_ms"], abs=0.002)
    for name, value in gateways["rtt_ms"].items():
        assert own["rtt_ms"][name] == pytest.approx(value, abs=0.002), name


def test_a_late_reply_overrides_its_loss(yodel):
    summary = yodel.module("statistics.js", """{
        const record = new m.SeriesRecord();
        record.add({ seq: 1, fate: "lost" });
        record.add({ seq: 2, fate: "reply", rtt_ms: 1 });
        record.add({ seq: 1, fate: "late", rtt_ms: 900 });
        record.add({ seq: 3, fate: "unreachable" });
        return record.summary();
    }""")
    assert (summary["sent"], summary["lost"], summary["late"], summary["unreachable"], summary["reordered"]) == (3, 0, 1, 1, 1)


def test_ten_thousand_do_not_hold_the_page_up(yodel):
    longest = yodel.page.evaluate("""async () => {
        const [{ SeriesRecord }, { SeriesResult }] = await Promise.all(["statistics.js", "series-result.js"].map((name) => import(new URL(name, document.baseURI))));
        const record = new SeriesRecord();
        for (let seq = 1; seq <= 10000; seq += 1) record.add({ seq, fate: seq % 50 ? "reply" : "lost", rtt_ms: seq % 50 ? 1 + (seq % 7) : undefined });
        const result = new SeriesResult(document.getElementById("series-result"), []);
        const started = performance.now();
        result.show(record, { count: 10000 }, record.summary());
        result.plot.paint();
        return performance.now() - started;
    }""")
    assert longest < 200


def test_an_axis_ends_at_a_round_number(yodel):
    ends = yodel.module("plot.js", "[0.012, 0.1, 0.11, 1.7, 2, 4.9, 7, 10, 999].map(m.niceEnd)")
    assert ends == pytest.approx([0.02, 0.1, 0.2, 2, 2, 5, 10, 10, 1000])
