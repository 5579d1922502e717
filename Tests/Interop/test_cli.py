"""The command line of `yodel` and `yodel serve`: help, wrong usage, errors at start, the environment, health checks."""

import concurrent.futures
import re
import socket

import pytest

from support.checks import is_exchange, is_problem
from support.child import run_yodel
from support.udp import Target, echo, silence, text_of, udp_socket, upper

FREE = ("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0")
SERVE_OPTIONS = [
    "--http",
    "--udp",
    "--no-echo",
    "--target",
    "--timeout-ms",
    "--max-in-flight",
    "--max-connections",
    "--tls-certificate",
    "--tls-key",
    "--loops",
    "--public",
    "--print-datagrams",
    "--drain-delay",
    "--log-level",
]


def is_one_clear_line(ended, *mentions):
    """An error at start: nothing on stdout, one line on stderr that mentions all of `mentions`."""
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    for mention in mentions:
        assert mention in lines[0], f"{mention!r} is not in {lines[0]!r}"


# Version and help


def test_version_is_a_version():
    ended = run_yodel("--version")
    assert ended.returncode == 0
    assert re.search(r"\d+\.\d+", ended.stdout)


@pytest.mark.parametrize("command", [(), ("serve",), ("echo",), ("send",), ("healthcheck",)])
def test_every_command_has_help(command):
    ended = run_yodel(*command, "--help")
    assert ended.returncode == 0
    assert "usage" in ended.stdout.lower()
    assert ended.stderr == ""


def test_help_names_the_commands():
    text = run_yodel("--help").stdout
    assert {word for word in ("serve", "echo", "send", "healthcheck") if word in text} == {
        "serve",
        "echo",
        "send",
        "healthcheck",
    }


@pytest.mark.parametrize("option", SERVE_OPTIONS)
def test_help_of_serve_names_each_option(option):
    assert option in run_yodel("serve", "--help").stdout


# Wrong usage


@pytest.mark.parametrize(
    "words",
    [
        ("--bogus",),
        ("bogus",),
        ("serve", "bogus"),
        ("serve", "--bogus"),
        ("echo", "--bogus"),
        ("send", "--bogus"),
        ("send", "127.0.0.1:9", "one", "two"),
        ("healthcheck", "--bogus"),
        ("serve", "--http"),
    ],
)
def test_wrong_usage_is_64(words):
    ended = run_yodel(*words)
    assert ended.returncode == 64
    assert ended.stdout == "" and words[-1] in ended.stderr


@pytest.mark.parametrize(
    "option, value",
    [
        ("--http", "nonsense"),
        ("--http", "127.0.0.1"),
        ("--http", "127.0.0.1:"),
        ("--http", "127.0.0.1:99999"),
        ("--http", "127.0.0.1:http"),
        ("--http", "::1:8080"),
        ("--udp", "127.0.0.1:-1"),
        ("--udp", "127.0.0.1:65536"),
        ("--target", "lab"),
        ("--target", "lab=127.0.0.1"),
        ("--target", "=127.0.0.1:9999"),
        ("--target", "lab=127.0.0.1:0"),
        ("--target", "lab=127.0.0.1:99999"),
        ("--timeout-ms", "0"),
        ("--timeout-ms", "10001"),
        ("--timeout-ms", "soon"),
        ("--max-in-flight", "0"),
        ("--max-in-flight", "-1"),
        ("--max-connections", "0"),
        ("--loops", "0"),
        ("--loops", "many"),
        ("--drain-delay", "soon"),
        ("--log-level", "loud"),
    ],
)
def test_a_bad_value_is_64_and_its_option_is_named(option, value):
    ended = run_yodel("serve", *FREE, f"{option}={value}")
    assert ended.returncode == 64, ended
    assert ended.stdout == "" and option in ended.stderr


@pytest.mark.parametrize(
    "words, example",
    [
        (("ping", "127.0.0.1"), "127.0.0.1:9999"),
        (("echo", "--udp", "9998"), "127.0.0.1:9999"),
        (("serve", "--udp", "9998"), "127.0.0.1:9999"),
        (("serve", "--http", "8080"), "127.0.0.1:9999"),
        (("serve", "--target", "127.0.0.1:9999"), "lab=192.0.2.1:9999"),
        (("serve", "--allow-target", "10.0.0.1"), "10.0.0.0/8:5000-5999"),
    ],
)
def test_a_bad_place_is_refused_with_a_good_one(words, example):
    ended = run_yodel(*words)
    assert ended.returncode == 64
    is_one_clear_line(ended, words[-1], example)


@pytest.mark.parametrize(
    "words, answer",
    [
        (("--bogus",), "'yodel serve' has no option '--bogus'; 'yodel --help'"),
        (("serve", "--port=80"), "'yodel serve' has no option '--port'; 'yodel --help'"),
        (("serve", "--tiemout-ms", "5"), "'--tiemout-ms'; did you mean '--timeout-ms'?"),
        (("--timeout", "5"), "'--timeout'; did you mean '--timeout-ms'?"),
        (("ping", "--count", "3"), "'yodel ping' has no option '--count'; did you mean '-c'?"),
        (("ping", "127.0.0.1:9", "-w", "3"), "'-w'; did you mean '-W'?"),
        (("ping", "--deadline", "3"), "'yodel ping' has no option '--deadline': it has -c, -i, -W, -s, --json"),
        (("-c", "3"), "'yodel serve' has no option '-c'; that is one of 'yodel ping'"),
        (("echo", "--http", "127.0.0.1:0"), "'--http'; that is one of 'yodel serve'"),
        (("serve", "--loss", "-5"), "'--loss' takes no negative number like '-5'"),
        (("ping", "-c", "-5"), "'-c' takes no negative number like '-5'"),
        (("send", "-W", "abc", "--", "-5"), "'abc'"),
        (("srve", "--loops", "1"), "there is no command 'srve'; did you mean 'serve'?"),
        (("bogus",), "there is no command 'bogus': there are serve, echo, send, ping, healthcheck"),
    ],
)
def test_a_word_that_is_not_known_is_what_is_complained_of(words, answer):
    ended = run_yodel(*words)
    assert ended.returncode == 64
    is_one_clear_line(ended, answer)


def test_impairments_without_an_echo_server_are_refused():
    lonely = ("serve", "--http", "127.0.0.1:0", "--no-echo", "--target", "lab=127.0.0.1:9999")
    for option in ("--loss", "--seed"):
        ended = run_yodel(*lonely, option, "10")
        assert ended.returncode == 64
        is_one_clear_line(ended, "--no-echo", "yodel echo --loss 10")


def test_what_no_echo_leaves_without_an_effect_is_said(serve):
    target = ("--no-echo", "--target", "lab=127.0.0.1:9999")
    idle = serve(*target, "--print-datagrams", "--echo-rate", "5")
    assert idle.err.wait_for(lambda line: "started" in line)
    warnings = [line for line in idle.err.so_far() if "warning" in line]
    assert len(warnings) == 1 and "--echo-rate and --print-datagrams and --udp without" in warnings[0]
    quiet = serve(*target, udp=())
    assert quiet.err.wait_for(lambda line: "started" in line)
    assert not [line for line in quiet.err.so_far() if "warning" in line]


def test_a_target_twice_is_an_error():
    ended = run_yodel("serve", *FREE, "--target", "lab=127.0.0.1:5001", "--target", "lab=127.0.0.1:5002")
    assert ended.returncode == 1
    assert "lab" in ended.stderr


def test_without_an_echo_server_a_target_is_needed():
    ended = run_yodel("serve", "--http", "127.0.0.1:0", "--no-echo")
    assert ended.returncode == 1
    assert "--target" in ended.stderr


# Errors at start


def test_a_busy_http_port_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run_yodel("serve", "--http", address, "--udp", "127.0.0.1:0")
    assert ended.returncode == 1
    is_one_clear_line(ended, address)


def test_a_busy_udp_port_is_one_clear_line_that_says_how_to_use_it():
    with udp_socket() as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run_yodel("serve", "--http", "127.0.0.1:0", "--udp", address)
    assert ended.returncode == 1
    is_one_clear_line(ended, address, "--no-echo", f"--target lab={address}")


def test_a_second_instance_on_the_same_udp_port_fails(serve):
    first = serve("--loops", "2")
    address = text_of(*first.udp)
    ended = run_yodel("serve", "--http", "127.0.0.1:0", "--udp", address, "--loops", "2")
    assert ended.returncode == 1
    is_one_clear_line(ended, address, "--no-echo")


def test_a_second_instance_on_the_same_http_port_fails(serve):
    address = text_of(*serve("--loops", "2").http)
    ended = run_yodel("serve", "--http", address, "--udp", "127.0.0.1:0", "--loops", "2")
    assert ended.returncode == 1
    is_one_clear_line(ended, address)


def test_yodel_echo_on_a_busy_port_fails(echo_server):
    address = text_of(*echo_server().udp)
    ended = run_yodel("echo", "--udp", address)
    assert ended.returncode == 1
    is_one_clear_line(ended, address, "--udp")


def test_an_address_that_is_not_ours_is_one_clear_line():
    ended = run_yodel("serve", "--http", "127.0.0.1:0", "--udp", "203.0.113.1:0")
    assert ended.returncode == 1
    is_one_clear_line(ended, "203.0.113.1")


def test_a_target_without_an_address_is_an_error_at_start():
    # The two dots make it no name at all, so that no resolver is asked.
    ended = run_yodel("serve", *FREE, "--target", "lab=nonexistent..:1")
    assert ended.returncode == 1
    is_one_clear_line(ended, "nonexistent..")


def test_a_page_that_is_not_there_is_an_error_at_start(tmp_path):
    ended = run_yodel("serve", *FREE, "--public", tmp_path / "nothing")
    assert ended.returncode == 1
    assert str(tmp_path / "nothing") in ended.stderr


def test_without_a_page_it_is_said_where_it_was_looked_for(serve, tmp_path):
    hidden = tmp_path / "public"
    hidden.mkdir()
    (hidden / "other.txt").write_text("no page")
    gateway = serve(prefix=("env", "-C", tmp_path))
    said = gateway.err.wait_for(lambda line: "warning" in line)
    for told in (said, is_problem(gateway.get("/"), 404, "not-found", "curl")["detail"]):
        assert "there is no page" in told and f"'{hidden}'" in told and "--public DIR" in told
    assert "there is no page" not in is_problem(gateway.get("/other.txt"), 404, "not-found")["detail"]
    elsewhere = is_problem(gateway.get("/", X_Forwarded_For="192.0.2.1"), 404, "not-found", "there is no page")
    assert str(tmp_path) not in elsewhere["detail"]
    (hidden / "index.html").write_text("a page")
    assert serve(prefix=("env", "-C", tmp_path)).get("/").body == b"a page"


def test_a_page_without_its_first_file_is_said_by_its_name(serve, tmp_path):
    gateway = serve("--public", tmp_path)
    assert gateway.err.wait_for(lambda line: "warning" in line and str(tmp_path) in line)
    is_problem(gateway.get("/"), 404, "not-found", str(tmp_path), "index.html", "--public")


# What it prints


def test_serve_is_the_default_command(serve):
    gateway = serve()
    assert re.fullmatch(r"HTTP: http://127\.0\.0\.1:\d+", gateway.out.so_far()[0])
    assert gateway.get("/readyz").status == 200


def test_without_a_subcommand_options_are_those_of_serve():
    ended = run_yodel("--timeout-ms", "soon")
    assert ended.returncode == 64
    assert "--timeout-ms" in ended.stderr


def test_without_an_echo_server_no_udp_address_is_printed(serve, own):
    target = own(Target, echo)
    gateway = serve("--no-echo", "--target", f"lab={target}", udp=[])
    assert not [line for line in gateway.out.so_far() if line.startswith("UDP echo")]
    assert is_exchange(gateway.send("x"))["target"] == "lab"


def test_print_datagrams_prints_a_line_a_datagram_at_once(serve):
    gateway = serve("--print-datagrams")
    local = is_exchange(gateway.send("hello from client!!"))["local"]["port"]
    wanted = f"127.0.0.1:{local}: hello from client!!"
    assert gateway.out.wait_for(lambda line: line == wanted), gateway.out.so_far()


# The environment


def test_every_setting_can_come_from_the_environment(serve, own):
    first, second = own(Target, upper), own(Target, silence)
    environment = {
        "YODEL_HTTP": "127.0.0.1:0,127.0.0.1:0",
        "YODEL_UDP": "127.0.0.1:0",
        "YODEL_TARGET": f"upper={first},silent={second}",
        "YODEL_TIMEOUT_MS": "60",
        "YODEL_LOOPS": "1",
    }
    gateway = serve(http=[], udp=[], environment=environment)
    assert len(gateway.http_addresses) == 2 and gateway.udp[0] == "127.0.0.1"
    assert is_exchange(gateway.send("abc", target="upper", timeout_ms=5000))["reply"] == "ABC"
    assert is_problem(gateway.send("abc", target="silent"), 504, "no-reply")["timeout_ms"] == 60


def test_a_flag_wins_over_the_environment(serve, own):
    target = own(Target, silence)
    environment = {"YODEL_TIMEOUT_MS": "9000", "YODEL_UDP": "203.0.113.1:1", "YODEL_TARGET": "other=127.0.0.1:9"}
    gateway = serve("--timeout-ms", "60", "--target", f"silent={target}", environment=environment)
    assert is_problem(gateway.send("abc", target="silent"), 504, "no-reply")["timeout_ms"] == 60
    is_problem(gateway.send("abc", target="other"), 400, "unknown-target")


def test_a_switch_can_come_from_the_environment(serve, own):
    target = own(Target, upper)
    environment = {"YODEL_NO_ECHO": "true", "YODEL_TARGET": f"lab={target}"}
    gateway = serve(udp=[], environment=environment)
    assert gateway.udp is None
    assert is_exchange(gateway.send("abc"))["reply"] == "ABC"


def test_a_bad_value_in_the_environment_is_64_and_is_named():
    ended = run_yodel("serve", *FREE, environment={"YODEL_TIMEOUT_MS": "soon"})
    assert ended.returncode == 64
    assert "YODEL_TIMEOUT_MS" in ended.stderr and "soon" in ended.stderr


def test_variables_that_are_none_are_said_once(serve):
    environment = {"YODEL_TIMEOUT": "5", "YODEL_MAX_INFLIGHT": "5", "YODEL_SUCH": "", "YODEL_LOOPS": "1"}
    # These are other people's: the shell's of whoever tries a command line, and what Kubernetes sets for a service.
    environment |= {"YODEL_TOKEN": "x", "YODEL_SERVICE_HOST": "10.0.0.1", "YODEL_PORT": "tcp://10.0.0.1:80"}
    environment |= {"YODEL_PORT_80_TCP_PORT": "80", "YODEL_UDP_SERVICE_HOST": "10.0.0.1"}
    gateway = serve(environment=environment | {"YODEL_UDP_PORT": "udp://10.0.0.1:9", "YODEL_UDP_PORT_9_UDP_PORT": "9"})
    assert gateway.err.wait_for(lambda line: "started" in line)
    [said] = [line for line in gateway.err.so_far() if "warning" in line]
    assert "YODEL_MAX_INFLIGHT (did you mean YODEL_MAX_IN_FLIGHT?), YODEL_SUCH, YODEL_TIMEOUT (did you mean" in said
    assert "YODEL_TOKEN" not in said and "YODEL_LOOPS" not in said and "10.0.0.1" not in said and "_PORT" not in said
    port = serve(environment={"YODEL_PORT": "80"})
    assert port.err.wait_for(lambda line: "warning" in line and "YODEL_PORT" in line)


# yodel healthcheck


def test_healthcheck_of_a_gateway_that_is_ready_is_0(serve):
    gateway = serve()
    assert run_yodel("healthcheck", gateway.url).returncode == 0
    assert run_yodel("healthcheck", gateway.url + "/").returncode == 0


def test_healthcheck_of_nothing_is_1():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        ended = run_yodel("healthcheck", url)
    assert ended.returncode == 1
    assert url in ended.stderr and "refused" in ended.stderr


def test_healthcheck_of_a_server_that_is_not_ready_is_1():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        ended = answered(server, b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert ended.returncode == 1


def answered(server, answer):
    """Run the health check against `server`, which gives this answer to its first request."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run_yodel, "healthcheck", f"http://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(4096).startswith(b"GET /readyz HTTP/1.")
            connection.sendall(answer)
        return ended.result()


def test_healthcheck_of_no_url_is_64():
    assert run_yodel("healthcheck", "not a url").returncode == 64
