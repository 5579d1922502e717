"""Who may ask for what: `Host`, pages of other origins, the token, the order of refusals, the security headers."""

import itertools
import json
import re
import socket
import subprocess

import pytest

from support.checks import carries_security_headers, is_exchange, is_problem
from support.child import run_yodel
from support.curl import curl
from support.gateway import Gateway, message_path
from support.http import Wire, request_bytes
from support.udp import Target, echo, silence
from support.waiting import wait_until

TOKEN = "a-token-of-this-test-0123456789"
BEARER = f"Authorization: Bearer {TOKEN}"
CROSS_SITE = "Sec-Fetch-Site: cross-site"
LIMIT_BYTES = 512 << 10


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><title>A page of the test</title>\n")
    return folder


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("secret") / "token"
    file.touch(0o600)
    file.write_text(f"  {TOKEN}\n")
    return file


@pytest.fixture(scope="module")
def target(own_for_module):
    return own_for_module(Target, echo)


@pytest.fixture(scope="module")
def gateway(own_for_module, page, target):
    return own_for_module(Gateway, "--public", page, "--target", f"lab={target}", "--allow-host", "Lab.Example")


@pytest.fixture(scope="module")
def guarded(own_for_module, page, token_file):
    return own_for_module(Gateway, "--public", page, "--token-file", token_file)


def ask(gateway, method, path, body=None, headers=(), host="127.0.0.1"):
    """One request on a connection of its own, with the `Host` that the test wants."""
    with gateway.wire() as wire:
        wire.send(request_bytes(method, path, body, headers, host))
        return wire.response(method)


# Host


@pytest.mark.parametrize("path", ["/api/messages", "/api", "/metrics", "/", "/nowhere"])
def test_a_foreign_name_is_refused_as_curl_sends_it(gateway, path):
    """What a page does whose name was pointed at this machine (DNS rebinding)."""
    answer = curl("-H", "Host: evil.example", gateway.url + path)
    is_problem(answer, 421, "wrong-host", "--allow-host evil.example")


@pytest.mark.parametrize("host", ["127.0.0.1:1", "[::1]:9", "LOCALHOST.", "lab.example", "LAB.example.:80", "10.1.2.3"])
def test_its_own_names_are_served(gateway, host):
    assert ask(gateway, "GET", "/api", host=host).status == 200
    assert is_exchange(ask(gateway, "POST", "/api/messages", b"x", host=host))["match"] is True


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_look_at_neither_host_nor_token(guarded, path):
    assert ask(guarded, "GET", path, host="whatever.example").status == 200
    assert ask(guarded, "GET", path, headers=["Authorization: Bearer wrong"]).status == 200
    assert run_yodel("healthcheck", guarded.url).returncode == 0


def test_http_1_0_needs_no_host(gateway):
    with gateway.wire() as wire:
        wire.send(b"GET /api HTTP/1.0\r\n\r\n")
        assert wire.response().status == 200


def test_a_hostile_host_is_told_as_text(gateway):
    problem = is_problem(ask(gateway, "GET", "/", host="<script>\tx"), 421, "wrong-host")
    assert "--allow-host NAME" in problem["detail"] and "\t" not in problem["detail"]


# Pages of other origins


@pytest.mark.parametrize(
    "headers",
    [
        ["Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: same-site"],
        ["Origin: http://evil.example"],
        ["Origin: null"],
        ["Origin: http://127.0.0.1:1"],
        ["Sec-Fetch-Site: none", "Sec-Fetch-Site: none"],
    ],
)
def test_a_page_of_another_origin_sends_nothing(gateway, target, headers):
    before = len(target.received)
    answer = ask(gateway, "POST", message_path(target="lab"), b"forged", headers)
    is_problem(answer, 403, "cross-site")
    assert is_exchange(gateway.send("mine", target="lab"))["match"] is True
    assert target.received[before:] == [b"mine"]


@pytest.mark.parametrize("headers", [[], ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"], ["Origin: http://{host}"]])
def test_its_own_page_and_programs_send(gateway, headers):
    host = "127.0.0.1:%d" % gateway.http[1]
    headers = [header.format(host=host) for header in headers]
    assert is_exchange(ask(gateway, "POST", "/api/messages", b"x", headers, host))["match"] is True


def test_reading_is_open_to_pages_but_granted_to_none(gateway):
    answer = ask(gateway, "GET", "/api/targets", headers=[CROSS_SITE, "Origin: http://evil.example"])
    assert answer.status == 200
    carries_security_headers(answer)


@pytest.mark.parametrize("path", ["/api/messages", "/api", "/", "/nowhere"])
def test_a_preflight_gets_no_grant(gateway, path):
    asked = ["Origin: http://evil.example", "Access-Control-Request-Method: POST",
             "Access-Control-Request-Headers: content-type, authorization", "Access-Control-Request-Private-Network: true"]
    answer = ask(gateway, "OPTIONS", path, headers=asked)
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


# The token


@pytest.mark.parametrize("path", ["/api", "/api/targets", "/api/info", "/api/echo", "/api/messages", "/metrics", "/api/"])
def test_the_api_wants_the_token(guarded, path):
    method, body = ("POST", b"x") if path.endswith("messages") else ("GET", None)
    for headers in ([], ["Authorization: Bearer wrong-but-long-enough"], [f"Authorization: Basic {TOKEN}"],
                    [f"Cookie: token={TOKEN}"], [BEARER, BEARER]):
        answer = ask(guarded, method, path, body, headers)
        problem = is_problem(answer, 401, "unauthorized", "$YODEL_TOKEN")
        assert answer.header("WWW-Authenticate") == "Bearer"
        assert TOKEN not in str(problem) + str(answer.headers)
    for bearer in (BEARER, BEARER.lower(), f"authorization: BEARER  {TOKEN}"):
        assert ask(guarded, method, path, body, [bearer]).status == 200


@pytest.mark.parametrize("name", ["access_token", "token", "bearer", "authorization"])
def test_a_token_in_the_url_is_none(guarded, name):
    is_problem(ask(guarded, "GET", f"/api?{name}={TOKEN}"), 401, "unauthorized")
    is_problem(ask(guarded, "POST", f"/api/messages?{name}={TOKEN}", b"x"), 401, "unauthorized")


def test_the_page_needs_no_token(guarded):
    assert ask(guarded, "GET", "/").status == 200


def test_the_lines_to_try_work_with_a_token(guarded, monkeypatch):
    def run(line):
        done = subprocess.run(["bash", "-c", line + " -sS"], capture_output=True, timeout=30)
        return json.loads(done.stdout)

    assert run(guarded.try_line.removeprefix("Try: "))["match"] is True
    monkeypatch.setenv("YODEL_TOKEN", TOKEN)
    detail = is_problem(ask(guarded, "PUT", "/api/messages"), 405, "method-not-allowed")["detail"]
    assert run(detail[detail.index("curl"):])["match"] is True
    routes = ask(guarded, "GET", "/api", headers=[BEARER]).json()["routes"]
    assert run(next(route["curl"] for route in routes if route["path"] == "/api/messages"))["match"] is True


def test_a_token_file_may_be_a_pipe(own):
    """As `--token-file <(pass show yodel)` has it."""
    words = ["bash", "-c", f'exec "$0" "$@" --token-file <(echo {TOKEN})']
    gateway = own(Gateway, prefix=words)
    assert ask(gateway, "GET", "/api", headers=[BEARER]).status == 200
    assert ask(gateway, "GET", "/api").status == 401


@pytest.mark.parametrize(
    "content, reason",
    [("fifteen-letters", "fewer than 16"), ("", "fewer than 16"), ("one-long-enough-line\nanother-one", "one line"),
     ("sixteen letters and spaces", "space"), ("x" * 5000, "more than 1024"), (None, "No such file")],
)
def test_a_token_file_without_a_token_ends_the_start(tmp_path, content, reason):
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    ended = run_yodel("serve", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--token-file", file)
    assert ended.returncode == 1
    assert reason in ended.stderr and str(file) in ended.stderr and ended.stderr.count("\n") == 1
    assert not content or content not in ended.stderr


@pytest.mark.parametrize("mode, is_told", [(0o600, False), (0o640, False), (0o644, True)])
def test_a_token_that_everyone_may_read_is_told(serve, tmp_path, mode, is_told):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(mode)
    gateway = serve("--token-file", file)
    assert ask(gateway, "GET", "/healthz").status == 200
    gateway.signal(15)
    assert gateway.exit_code() == 0
    assert any("chmod" in line for line in gateway.err.all()) == is_told


# Beyond loopback


def test_by_default_it_listens_on_loopback_alone(internet, serve):
    gateway = serve(http=(), udp=(), prefix=internet.prefix)
    for addresses, port in [(gateway.http_addresses, 8080), (gateway.udp_addresses, 9999)]:
        assert ("127.0.0.1", port) in addresses
        assert set(addresses) <= {("127.0.0.1", port), ("::1", port)}
    assert internet.inside(gateway.get, "/readyz").status == 200
    with pytest.raises(ConnectionRefusedError):
        internet.inside(socket.create_connection, ("10.9.0.1", 8080), 15)


def test_beyond_loopback_it_listens_with_a_token_or_when_told_so(serve, token_file):
    ended = run_yodel("serve", "--http", "0.0.0.0:0", "--udp", "127.0.0.1:0")
    assert ended.returncode == 1
    assert "--token-file" in ended.stderr and "--allow-anonymous" in ended.stderr
    for options, status in [(["--token-file", token_file], 401), (["--allow-anonymous"], 200)]:
        gateway = serve(*options, http=["0.0.0.0:0"])
        assert ask(gateway, "GET", "/api").status == status


# The order: of two reasons to refuse a request the first is told

FRAMING = ["Content-Length: 1"]  # The second of two.
CODING = ["Transfer-Encoding: gzip"]
MULTIPART = ["Content-Type: multipart/form-data; boundary=x"]
TOO_LARGE = ["Content-Length: %d" % (LIMIT_BYTES + 1)]


@pytest.mark.parametrize(
    "method, path, host, headers, status",
    [
        ("POST", "/api/messages", "evil.example", [*FRAMING, *FRAMING], 400),
        ("POST", "/api/messages", "evil.example", CODING, 501),
        ("POST", "/nowhere", "evil.example", [], 421),
        ("DELETE", "/api/messages", "evil.example", [], 421),
        ("POST", "/nowhere", "127.0.0.1", [CROSS_SITE], 404),
        ("DELETE", "/api/messages", "127.0.0.1", [CROSS_SITE], 405),
        ("POST", "/api/messages", "127.0.0.1", [CROSS_SITE], 403),
        ("POST", "/api/messages", "127.0.0.1", TOO_LARGE, 401),
        ("POST", "/api/messages", "127.0.0.1", MULTIPART, 401),
        ("POST", "/api/messages", "127.0.0.1", [BEARER, *TOO_LARGE], 413),
        ("POST", "/api/messages", "127.0.0.1", [BEARER, *MULTIPART], 415),
    ],
)
def test_what_comes_first_is_told(guarded, method, path, host, headers, status):
    body = None if any("Length" in header or "Encoding" in header for header in headers) else b"x"
    assert ask(guarded, method, path, body, headers, host).status == status


@pytest.mark.parametrize(
    "method, path, host, headers, status",
    [
        ("POST", "/api/messages", "evil.example", [], 421),
        ("POST", "/nowhere", "127.0.0.1", [], 404),
        ("POST", "/api/messages", "127.0.0.1", [CROSS_SITE], 403),
        ("POST", "/api/messages", "127.0.0.1", TOO_LARGE, 413),
        ("POST", "/api/messages", "127.0.0.1", MULTIPART, 415),
        ("POST", "/api/messages?bogus=1", "127.0.0.1", [], 503),
    ],
)
def test_a_connection_too_many_is_told_after_what_is_wrong_with_the_head(serve, method, path, host, headers, status):
    gateway = serve("--max-connections", "1")
    with gateway.wire() as kept, gateway.wire() as wire:
        assert kept.ask("GET", "/healthz").status == 200
        wire.send(request_bytes(method, path, None if headers == TOO_LARGE else b"x", headers, host))
        answer = wire.response(method)
        assert answer.status == status
        carries_security_headers(answer)
        assert wire.is_ended(), "it was one too many all the same"


def test_that_there_is_no_room_is_told_after_the_size_and_before_what_is_wrong_with_the_body(serve, own):
    silent = own(Target, silence)
    gateway = serve("--max-in-flight", "1", "--target", f"silent={silent}")
    with gateway.wire() as wire:
        wire.send(request_bytes("POST", message_path(target="silent", timeout_ms=10000), b"holds the place"))
        wait_until(lambda: gateway.in_flight() == 1, "the place is taken")
        is_problem(gateway.send(b"x" * 65508), 413, "message-too-large")
        is_problem(gateway.request("POST", "/api/messages", b"--x", {"Content-Type": "multipart/mixed"}), 415,
                   "unsupported-media-type")
        for options in ({"target": "nowhere"}, {"target": "0.0.0.0:5000"}, {"bogus": "1"}):
            is_problem(gateway.send("x", **options), 503, "overloaded")
        is_problem(gateway.request("POST", "/api/messages", b"{", {"Content-Type": "application/json"}), 503, "overloaded")
        wire.reset()
    wait_until(lambda: gateway.in_flight() == 0, "the place is free")


# The security headers


def every_answer(gateway, silent):
    """Answers of every status that can be had, each with a name."""
    tag = ask(gateway, "GET", "/").header("ETag")
    message = message_path(target=silent, timeout_ms=1)
    yield "200", ask(gateway, "POST", "/api/messages", b"x")
    yield "200 raw", ask(gateway, "POST", "/api/messages", b"x", ["Accept: text/plain"])
    yield "200 page", ask(gateway, "GET", "/")
    yield "200 HEAD", ask(gateway, "HEAD", "/api")
    yield "204", ask(gateway, "OPTIONS", "/api")
    yield "204 *", ask(gateway, "OPTIONS", "*")
    yield "304", ask(gateway, "GET", "/", headers=[f"If-None-Match: {tag}"])
    yield "400 framing", ask(gateway, "GET", "/%zz")
    yield "400", ask(gateway, "POST", "/api/messages?bogus=1", b"x")
    yield "403 cross-site", ask(gateway, "POST", "/api/messages", b"x", [CROSS_SITE])
    yield "403 target", ask(gateway, "POST", message_path(target="10.0.0.1:5000"), b"x")
    yield "404", ask(gateway, "GET", "/nowhere")
    yield "405", ask(gateway, "DELETE", "/api")
    yield "405 TRACE", ask(gateway, "TRACE", "/")
    yield "413", ask(gateway, "POST", "/api/messages", None, TOO_LARGE)
    yield "415", ask(gateway, "POST", "/api/messages", b"x", MULTIPART)
    yield "421", ask(gateway, "GET", "/", host="evil.example")
    yield "431", ask(gateway, "GET", "/", headers=[f"X-{number}: {'x' * 970}" for number in range(7)])
    yield "501", ask(gateway, "POST", "/api/messages", None, CODING)
    yield "504", ask(gateway, "POST", message, b"x")


def test_every_answer_of_ours_carries_the_security_headers(serve, own, page, guarded):
    silent = own(Target, silence)
    gateway = serve("--public", page, "--target", f"silent={silent}")
    answers = itertools.chain(every_answer(gateway, "silent"), [("401", ask(guarded, "GET", "/api"))])
    for name, answer in answers:
        assert answer.status == int(name.split()[0]), (name, answer)
        carries_security_headers(answer)
        assert not [key for key, _ in answer.headers if key.lower().startswith("access-control")], name
        is_page = name in ("200 page", "304")
        assert answer.header("Cache-Control") == ("no-cache" if is_page else "no-store"), name


def test_the_page_is_made_of_its_own_origin_and_framed_by_nobody(gateway):
    policy = ask(gateway, "GET", "/").header("Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert {rules[name] for name in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert not re.search(r"unsafe|\*|https?:|data:", policy)


def test_a_draining_gateway_says_so_with_its_headers(serve):
    gateway = serve("--drain-delay", "0")
    with gateway.wire() as wire, gateway.wire() as waiting:
        assert wire.ask("GET", "/healthz").status == 200
        waiting.send(b"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
        wait_until(lambda: gateway.metrics().value("yodel_http_connections") >= 2, "both are there")
        gateway.signal(15)
        wait_until(lambda: not accepts(gateway), "it takes no more connections")
        answer = wire.ask("GET", "/api")
        is_problem(answer, 503, "draining")
        waiting.send(b"x")
        assert waiting.response("POST").status == 200
    assert gateway.exit_code() == 0


def accepts(gateway):
    try:
        Wire(gateway.http).close()
    except OSError:
        return False
    return True
