"""A real Prometheus with the files of Packaging/prometheus: it scrapes, probes and evaluates; promtool finds nothing."""

import re

import pytest

from support.child import run
from support.gateway import Gateway
from support.prometheus import PACKAGING, Prometheus, program
from support.udp import ClosedPort, Target, echo, silence, upper

EXAMPLE = (PACKAGING / "prometheus.yml").read_text()
RULES = (PACKAGING / "yodel.rules.yml").read_text()
RULE_TESTS = (PACKAGING / "yodel.rules.test.yml").read_text()
TOKEN = "a-token-of-this-test-0123456789"
PROBED = ["echo", "closed", "silent", "upper", "nowhere"]


@pytest.fixture(scope="module")
def targets(own_for_module):
    made = {
        "lab": own_for_module(Target, echo),
        "closed": own_for_module(ClosedPort),
        "silent": own_for_module(Target, silence),
        "upper": own_for_module(Target, upper),
    }
    return [word for name, target in made.items() for word in ("--target", f"{name}={target}")]


@pytest.fixture(scope="module")
def gateway(own_for_module, targets):
    return own_for_module(Gateway, *targets)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="module")
def guarded(own_for_module, targets, folder):
    (folder / "yodel.token").touch(0o600)
    (folder / "yodel.token").write_text(TOKEN + "\n")
    return own_for_module(Gateway, *targets, "--token-file", folder / "yodel.token")


def replaced(text, old, new):
    assert old in text, f"{old!r} is not in the example"
    return text.replace(old, new)


def jobs(gateway):
    """The example's jobs for a gateway."""
    text = EXAMPLE.partition("scrape_configs:\n")[2]
    text = replaced(text, "127.0.0.1:8080", "%s:%d" % gateway.http)
    return replaced(text, "          - echo\n", "".join(f"          - {name}\n" for name in PROBED))


def with_token(text):
    """The same jobs under other names, with the token as the example's comment has it."""
    lines = re.findall(r"^  #   ( *\S.*:.*)$", text, re.M)
    assert [line.split(":")[0].strip() for line in lines] == ["authorization", "credentials_file"]
    authorization = "".join(f"\n    {line}" for line in lines)
    return re.sub(r"job_name: yodel(.*)", rf"job_name: guarded\1{authorization}", text)


@pytest.fixture(scope="module")
def prometheus(own_for_module, gateway, guarded, folder):
    head = EXAMPLE.partition("scrape_configs:\n")[0]
    head = replaced(replaced(head, "15s", "1s"), "10s", "1s")
    (folder / "prometheus.yml").write_text(head + "scrape_configs:\n" + jobs(gateway) + with_token(jobs(guarded)))
    (folder / "yodel.rules.yml").write_text(RULES)
    return own_for_module(Prometheus, folder / "prometheus.yml", folder / "data")


# What it scrapes


@pytest.mark.parametrize("job, made", [("yodel", "gateway"), ("guarded", "guarded")])
def test_what_is_sent_is_seen(prometheus, request, job, made):
    gateway = request.getfixturevalue(made)
    headers = {"Content-Type": "text/plain", "Authorization": f"Bearer {TOKEN}"}
    prometheus.wait_for(f'yodel_exchanges_total{{job="{job}",target="lab",outcome="reply"}}', lambda value: value == 0)
    for _ in range(5):
        assert gateway.request("POST", "/api/messages?target=lab", b"counted", headers).status == 200
    prometheus.wait_for(f'yodel_exchanges_total{{job="{job}",target="lab",outcome="reply"}}', lambda value: value == 5)
    median = f'histogram_quantile(0.5, yodel_exchange_rtt_seconds_bucket{{job="{job}",target="lab"}})'
    assert 0 < prometheus.value(median) < 10
    first = f'increase(yodel_exchanges_total{{job="{job}",target="lab",outcome="reply"}}[1m])'
    assert prometheus.value(first) > 0, "what was counted before it began is told as 0"


def test_both_gateways_are_up(prometheus):
    prometheus.wait_for('sum(up{job=~"yodel|guarded"})', lambda value: value == 2)
    found = prometheus.ask("targets", state="active")["activeTargets"]
    assert {target["labels"]["job"] for target in found} == {"yodel", "yodel-probe", "guarded", "guarded-probe"}


# What it probes


@pytest.mark.parametrize("job", ["yodel-probe", "guarded-probe"])
@pytest.mark.parametrize(
    "name, success, outcome",
    [("echo", 1, "reply"), ("closed", 0, "port-unreachable"), ("silent", 0, "no-reply"), ("upper", 0, "reply")],
)
def test_each_target_has_its_probe(prometheus, job, name, success, outcome):
    def wait_for(metric, value, more=""):
        prometheus.wait_for(f'{metric}{{job="{job}",instance="{name}"{more}}}', lambda found: found == value)

    wait_for("probe_success", success)
    wait_for("up", 1)  # A probe that fails is a scrape that does not.
    for other in ("reply", "no-reply", "port-unreachable", "target-unreachable"):
        wait_for("probe_udp_outcome", int(other == outcome), f',outcome="{other}"')
    rtt = f'probe_udp_rtt_seconds{{job="{job}",instance="{name}"}}'
    if outcome == "reply":
        prometheus.wait_for(rtt, lambda value: 0 < value < 1)
    else:
        assert prometheus.value(rtt) is None


def test_a_probe_ends_half_a_second_before_the_scrape_does(prometheus):
    labels = '{job="yodel-probe",instance="silent"}'
    assert 0.5 <= prometheus.wait_for("probe_duration_seconds" + labels, lambda value: True) < 1


def test_a_target_that_there_is_not_cannot_be_probed(prometheus):
    prometheus.wait_for('up{job="yodel-probe",instance="nowhere"}', lambda value: value == 0)
    assert prometheus.value('probe_success{job="yodel-probe",instance="nowhere"}') is None


# What it makes of them


def test_the_rules_are_evaluated_on_what_there_is(prometheus):
    for name in ("closed", "silent", "upper"):
        prometheus.wait_for(f'ALERTS{{alertname="YodelProbeFailing",instance="{name}"}}', lambda value: value == 1)
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == alerts()
    assert {(rule["name"], rule["health"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"} == set()
    failing = {alert["labels"]["instance"] for alert in prometheus.ask("alerts")["alerts"]
               if alert["labels"]["alertname"] == "YodelProbeFailing"}
    assert failing == {"closed", "silent", "upper"}


def test_what_the_rules_ask_for_is_there(prometheus):
    """A rule on a metric that nobody has would never fire."""
    prometheus.wait_for('probe_success{job="yodel-probe",instance="silent"}', lambda value: True)
    wanted = set(re.findall(r"\b(?:yodel|process|probe)_[a-z_]+\b", re.sub(r"(?m)^ *(#|summary:|description:).*", "", RULES)))
    assert len(wanted) > 10
    assert wanted <= set(prometheus.ask("label/__name__/values"))


# promtool


def promtool(*words, stdin=""):
    ended = run([program("promtool"), *words], stdin=stdin)
    assert ended.returncode == 0, (ended.stdout + ended.stderr).decode()
    return (ended.stdout + ended.stderr).decode()


def test_promtool_takes_the_files():
    assert "SUCCESS" in promtool("check", "config", PACKAGING / "prometheus.yml")
    assert f"{len(alerts())} rules found" in promtool("check", "rules", PACKAGING / "yodel.rules.yml")


def test_each_alert_fires_when_it_should_and_only_then():
    assert "SUCCESS" in promtool("test", "rules", PACKAGING / "yodel.rules.test.yml")


def alerts():
    return set(re.findall(r"- alert: (\w+)", RULES))


def test_each_alert_has_both_tests():
    silent = set(re.findall(r"alertname: (\w+), exp_alerts: \[\]", RULE_TESTS))
    firing = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n +- exp_labels", RULE_TESTS))
    assert silent == firing == alerts()


def test_promtool_finds_nothing_in_the_metrics(gateway):
    for path in ("/metrics", "/probe?target=lab", "/probe?target=closed"):
        assert promtool("check", "metrics", stdin=gateway.get(path).body) == ""
