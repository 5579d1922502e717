"""`yodel ping`: what it prints, how it ends, and that it counts rightly."""

import re

import pytest

from support.child import INTERRUPT, TERMINATE, Child, run_yodel, yodel_binary
from support.probes import Outcome, treated
from support.terminal import Terminal
from support.udp import ClosedPort, Target, echo, silence
from support.waiting import wait_until

STATISTICS = re.compile(r"(\d+) packets transmitted, (\d+) received((?:, \+\d+ [a-z ]+)*), ([\d.]+)% packet loss, time \d+ms")


def statistics(text):
    """What the line of the statistics says: transmitted, received, the rest by name, the loss."""
    found = STATISTICS.search(text)
    assert found, text
    extras = {name: int(count) for count, name in re.findall(r"\+(\d+) ([a-z ]+)", found[3])}
    return int(found[1]), int(found[2]), extras, float(found[4])


def test_a_line_a_reply_then_the_statistics(own):
    target = own(Target, echo)
    ended = run_yodel("ping", target, "-c", "3", "-i", "0.01")
    head, *lines = ended.stdout.splitlines()
    assert head == f"PING {target} 64 bytes of data."
    for number in (1, 2, 3):
        pattern = rf"64 bytes from {re.escape(str(target))}: seq={number} time=\d+\.\d+ ms"
        assert re.fullmatch(pattern, lines[number - 1]), lines
    assert lines[3:5] == ["", f"--- {target} ping statistics ---"]
    assert statistics(lines[5]) == (3, 3, {}, 0)
    assert re.fullmatch(r"rtt min/avg/max/mdev = (\d+\.\d{3}/){3}\d+\.\d{3} ms", lines[6])
    assert re.fullmatch(r"rtt p50/p90/p99 = (\d+\.\d{3}/){2}\d+\.\d{3} ms, jitter \d+\.\d{3} ms", lines[7])
    assert len(lines) == 8 and ended.returncode == 0 and ended.stderr == ""
    assert [len(data) for data in target.received] == [64] * 3


def test_silence_is_said_of_each_and_exits_with_1(own):
    target = own(Target, silence)
    ended = run_yodel("ping", target, "-c", "2", "-i", "0.05", "-W", "0.2", "-s", "24")
    assert ended.returncode == 1
    assert "no reply for seq=1\nno reply for seq=2\n" in ended.stdout
    assert statistics(ended.stdout) == (2, 0, {}, 100)
    assert "rtt" not in ended.stdout and [len(data) for data in target.received] == [24, 24]


def test_a_closed_port_is_said_at_once(own):
    ended = run_yodel("ping", own(ClosedPort), "-c", "2", "-i", "0.01", "-W", "60")
    assert ended.returncode == 1 and ended.stdout.count("port unreachable") == 2
    assert statistics(ended.stdout) == (2, 0, {"errors": 2}, 100)


def fate_of(number):
    """The known list."""
    return ("reply", "duplicate", "lost", "corrupted", "reply", "late" if number < 20 else "reply")[number % 6]


def test_the_statistics_are_exactly_what_was_done(own):
    target = own(Target, treated(fate_of, pause=0.6))
    ended = run_yodel("ping", target, "-c", "120", "-i", "0.01", "-W", "0.4")
    done = [fate_of(number) for number in range(1, 121)]
    came = done.count("reply") + done.count("duplicate")
    extras = {name: done.count(name) for name in ("late", "corrupted")}
    extras |= {"duplicates": done.count("duplicate"), "reordered": done.count("late")}
    transmitted, received, told, loss = statistics(ended.stdout)
    assert (transmitted, received, told) == (120, came, extras)
    assert loss == round(done.count("lost") * 100 / 120, 3)
    assert ended.stdout.count("(DUP!)") == done.count("duplicate")
    assert ended.stdout.count("(CORRUPTED!)") == done.count("corrupted")
    assert ended.stdout.count("(late)") == done.count("late")


def test_json_is_an_object_a_line_and_the_summary_last(own):
    target = own(Target, treated(fate_of, pause=0.6))
    ended = run_yodel("ping", target, "-c", "60", "-i", "0.01", "-W", "0.4", "--json")
    outcome = Outcome(ended.stdout)
    expected = {number: fate_of(number) for number in range(1, 61)}
    assert outcome.fates() == {n: "reply" if fate == "duplicate" else fate for n, fate in expected.items()}
    assert outcome.summary["complete"] is True and ended.returncode == 0 and ended.stderr == ""


@pytest.mark.parametrize("signal", [INTERRUPT, TERMINATE])
def test_a_signal_ends_it_with_the_summary(own, signal):
    target = own(Target, echo)
    ping = own(Child, [yodel_binary(), "ping", target, "-i", "0.05"])
    assert ping.out.wait_for(lambda line: "seq=3 " in line)
    ping.signal(signal)
    assert ping.exit_code() == 0
    transmitted, received, _, loss = statistics("\n".join(ping.out.all()))
    assert transmitted == received >= 3 and loss == 0


def test_signals_that_come_together_end_it_with_the_summary_too(own):
    """timeout(1) signals its child, and then the child's group."""
    target = own(Target, echo)
    for _ in range(20):
        ping = own(Child, [yodel_binary(), "ping", target, "-i", "0.01"])
        assert ping.out.wait_for(lambda line: "seq=2 " in line)
        ping.signal(INTERRUPT)
        ping.signal(INTERRUPT)
        assert ping.exit_code() == 0
        assert statistics("\n".join(ping.out.all()))[3] == 0


def test_what_is_in_flight_at_the_end_is_neither_lost_nor_sent(own):
    target = own(Target, silence)
    ping = own(Child, [yodel_binary(), "ping", target, "-i", "0.05", "-W", "60", "--json"])
    wait_until(lambda: len(target.received) >= 3, "it sends")
    ping.signal(INTERRUPT)
    assert ping.exit_code() == 1, "nothing came back"
    summary = Outcome("\n".join(ping.out.all())).summary
    assert summary["sent"] == 0 and summary["undecided"] == len(target.received) and summary["loss_percent"] is None


def test_on_a_terminal_each_reply_is_seen_as_it_comes(own):
    terminal = own(Terminal, yodel_binary(), "ping", own(Target, echo), "-i", "0.1")
    terminal.wait_for("seq=2 time=")
    terminal.signal(INTERRUPT)
    terminal.wait_for("packets transmitted")
    assert terminal.exit_code() == 0 and "\x1b" not in terminal.shown


def test_where_output_goes_elsewhere_a_terminal_shows_how_far_it_is(own, tmp_path):
    with open(tmp_path / "lines", "wb") as lines:
        terminal = own(Terminal, yodel_binary(), "ping", own(Target, echo), "-i", "0.1", "--json", stdout=lines)
        terminal.wait_for(" reply, ")
        terminal.signal(INTERRUPT)
        assert terminal.exit_code() == 0
    assert Outcome((tmp_path / "lines").read_text()).summary["received"] >= 1


def test_a_name_is_looked_up_once_and_shown_with_its_address(own):
    target = own(Target, echo)
    ended = run_yodel("ping", f"localhost:{target.port}", "-c", "1")
    # Where localhost is ::1 first, nothing listens there.
    assert re.match(rf"PING localhost:{target.port} \(\S+:{target.port}\) 64 bytes of data\.\n", ended.stdout)


def test_a_name_that_leads_nowhere_is_1():
    ended = run_yodel("ping", "no-such-host.invalid:9999", "-c", "1")
    assert ended.returncode == 1 and "no-such-host.invalid" in ended.stderr and ended.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("-c", "0"),
        ("-i", "-1"),
        ("-i", "0.0001"),
        ("-W", "0"),
        ("-s", "23"),
        ("-s", "65508"),
        ("-i", "0.001", "-W", "3600"),
        ("127.0.0.1:0",),
        ("nowhere",),
        ("--fast",),
    ],
)
def test_wrong_usage_is_64(words):
    ended = run_yodel("ping", *words)
    assert ended.returncode == 64 and ended.stdout == "" and ended.stderr.startswith("yodel: ")
