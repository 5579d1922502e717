"""`yodel send` and `yodel echo`: one line is one datagram, into a pipe and on a terminal."""

import select
import subprocess
import time

import pytest

from support.child import INTERRUPT, ROOT, TERMINATE, clean_environment, run_yodel, yodel_binary
from support.terminal import END_OF_INPUT, Terminal
from support.udp import ClosedPort, Target, ask, echo, udp_socket
from support.waiting import PATIENCE


def lossy(target, data, source):
    """Echoes all but what asks to be lost."""
    if not data.startswith(b"lose"):
        target.reply(data, source)


def has_control_characters(text):
    return any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)


# yodel send, with a message


@pytest.mark.parametrize("message", ["hello from client!!", "é 😀", "two  spaces", "a:1", "x" * 9000])
def test_send_prints_who_answered_and_what(own, message):
    target = own(Target, echo)
    ended = run_yodel("send", target, message)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{target}: {message}\n", "")


@pytest.mark.needs_ipv6
def test_send_prints_ipv6_in_brackets(own):
    target = own(Target, echo, "::1")
    assert run_yodel("send", target, "six").stdout == f"{target}: six\n"


def test_send_of_an_empty_message_sends_an_empty_datagram(own):
    target = own(Target, echo)
    ended = run_yodel("send", target, "")
    assert ended.returncode == 0
    assert target.received == [b""]
    assert ended.stdout.rstrip() == f"{target}:"


def test_send_escapes_what_could_move_the_cursor(own):
    target = own(Target, lambda target, _, source: target.reply(b"red \x1b[31m\nnext\r\x07 \xff end", source))
    ended = run_yodel("send", target, "x")
    [line] = ended.stdout.splitlines()
    assert not has_control_characters(line)
    assert "red" in line and "next" in line and "end" in line


def test_send_to_a_closed_port_is_1_at_once(own):
    started = time.monotonic()
    ended = run_yodel("send", own(ClosedPort), "anyone?", "-W", "10")
    assert ended.returncode == 1
    assert time.monotonic() - started < 5
    assert ended.stdout == "" and ended.stderr


def test_send_waits_as_long_as_w_says(own):
    target = own(Target, lossy)
    started = time.monotonic()
    ended = run_yodel("send", target, "lose this", "-W", "0.3")
    assert ended.returncode == 1
    assert 0.3 <= time.monotonic() - started < 8
    assert ended.stdout == "" and ended.stderr


# yodel send, reading lines from a pipe


def test_send_takes_lines_from_a_pipe_one_datagram_each(own):
    target = own(Target, echo)
    ended = run_yodel("send", target, stdin="one\ntwo words\n\nfour, without an end of line")
    assert target.received == [b"one", b"two words", b"", b"four, without an end of line"]
    lines = [line.rstrip() for line in ended.stdout.splitlines()]
    assert lines == [f"{target}: one", f"{target}: two words", f"{target}:", f"{target}: four, without an end of line"]
    assert ended.returncode == 0


def test_a_lost_reply_is_said_and_the_next_line_still_goes(own):
    target = own(Target, lossy)
    ended = run_yodel("send", target, "-W", "0.3", stdin="before\nlose this\nafter\n")
    assert ended.stdout == f"{target}: before\n{target}: after\n"
    assert ended.stderr


def test_a_late_reply_is_not_taken_for_the_next(own):
    delays = {b"late": 1.0, b"next": 0.9}
    target = own(Target, lambda target, data, source: target.reply(data, source, after=delays[data]))
    ended = run_yodel("send", target, "-W", "0.7", stdin="late\nnext\n")
    assert f"{target}: late" not in ended.stdout, "the late one came while the next was waited for"


def test_a_pipe_gets_each_reply_as_it_comes(own):
    target = own(Target, echo)
    sender = subprocess.Popen(
        [yodel_binary(), "send", str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(),
        cwd=ROOT,
    )
    try:
        for text in ("first", "second"):
            sender.stdin.write(text.encode() + b"\n")
            sender.stdin.flush()
            assert select.select([sender.stdout], [], [], PATIENCE)[0], (
                "the reply is printed before the next line is read"
            )
            assert sender.stdout.readline().decode() == f"{target}: {text}\n"
        sender.stdin.close()
        assert sender.wait(PATIENCE) == 0
    finally:
        sender.kill()
        sender.wait()
        sender.stdout.close()


# yodel send, on a terminal


def test_on_a_terminal_there_is_a_prompt_for_each_line(own):
    target = own(Target, echo)
    terminal = own(Terminal, yodel_binary(), "send", target)
    terminal.wait_for("> ")
    terminal.type("hello from client!!\n")
    terminal.wait_for(f"{target}: hello from client!!")
    terminal.wait_for("> ", times=2)
    terminal.type("again\n")
    terminal.wait_for(f"{target}: again")
    terminal.wait_for("> ", times=3)
    terminal.type(END_OF_INPUT)
    assert terminal.exit_code() == 0
    assert target.received == [b"hello from client!!", b"again"]


def test_on_a_terminal_the_prompt_comes_back_after_a_lost_reply(own):
    target = own(Target, lossy)
    terminal = own(Terminal, yodel_binary(), "send", target, "-W", "0.2")
    terminal.wait_for("> ")
    terminal.type("lose this\n")
    terminal.wait_for("> ", times=2)
    terminal.type("keep this\n")
    terminal.wait_for(f"{target}: keep this")


def test_on_a_terminal_the_prompt_comes_back_after_a_closed_port(own):
    closed = own(ClosedPort)
    terminal = own(Terminal, yodel_binary(), "send", closed)
    terminal.wait_for("> ")
    terminal.type("anyone?\n")
    terminal.wait_for("> ", times=2)


# yodel echo


def print_of(server, data):
    """Send `data` to the echo server from a socket of its own; return what it printed for it."""
    with udp_socket() as client:
        start = f"127.0.0.1:{client.getsockname()[1]}: "
        client.sendto(data, server.udp)
        assert client.recv(65536) == data
        line = server.out.wait_for(lambda line: line.startswith(start.rstrip()))
        assert line is not None, server.out.so_far()
        return line.removeprefix(start)


@pytest.mark.parametrize("text", ["hello from client!!", "é 😀", "<script>alert(1)</script>", "a: b, 'c' \"d\""])
def test_echo_prints_each_datagram_at_once_even_into_a_pipe(echo_server, text):
    assert print_of(echo_server(), text.encode()) == text


def test_echo_escapes_control_characters_and_keeps_to_one_line(echo_server):
    server = echo_server()
    printed = print_of(server, b"a\nb\rc\x1b[2Jd\0e\x7ff\xc2\x9bg\tend")
    assert not has_control_characters(printed)
    assert printed.startswith("a") and printed.endswith("end")
    assert print_of(server, b"next") == "next"
    assert len(server.out.so_far()) == 2, "one datagram is one line"


def test_echo_prints_bytes_that_are_no_text_as_one_line_of_text(echo_server):
    server = echo_server()
    printed = print_of(server, bytes(range(256)))
    assert not has_control_characters(printed)
    assert "ABC" in printed


def test_echo_prints_a_line_for_an_empty_datagram_too(echo_server):
    server = echo_server()
    print_of(server, b"")
    assert print_of(server, b"next") == "next"
    assert len(server.out.so_far()) == 2


def test_quiet_echo_prints_nothing_on_stdout(echo_server):
    server = echo_server("--quiet")
    assert ask(server.udp, b"hush")[0] == b"hush"
    server.signal(TERMINATE)
    assert server.exit_code() == 0
    assert server.out.all() == []


@pytest.mark.parametrize("signal", [TERMINATE, INTERRUPT])
def test_echo_ends_cleanly_and_has_printed_all(echo_server, signal):
    server = echo_server()
    for number in range(50):
        assert ask(server.udp, b"number %d" % number)[0] == b"number %d" % number
    server.signal(signal)
    assert server.exit_code() == 0
    assert [line.split(": ")[1] for line in server.out.all()] == [f"number {n}" for n in range(50)]
