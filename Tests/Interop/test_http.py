"""The routes, their errors and their headers, as any HTTP client sees them."""

import gzip
import random
import re

import pytest

from support.checks import carries_security_headers, is_exchange, is_json, is_problem
from support.child import ROOT, run_yodel
from support.curl import curl
from support.gateway import Gateway, message_path
from support.http import Wire
from support.udp import Target, silence
from support.waiting import wait_until

JSON_ROUTES = ["/api", "/api/targets", "/api/info", "/api/echo"]
GET_ROUTES = [*JSON_ROUTES, "/healthz", "/readyz", "/metrics", "/", "/app.js"]
SECRET = "nobody may read this"
PAGE_FILES = {
    "index.html": ("text/html", "<!doctype html><title>A page of the test</title>\n"),
    "app.js": ("text/javascript", "export const answer = 42;\n"),
    "style.css": ("text/css", "body { margin: 0 }\n"),
    "icon.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>\n"),
    "modules/deep.js": ("text/javascript", "export const deep = true;\n"),
}


@pytest.fixture(scope="module")
def gateway(own_for_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (folder / "secret.txt").write_text(SECRET)
    for name, (_, text) in PAGE_FILES.items():
        path = folder / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    silent = own_for_module(Target, silence)
    return own_for_module(Gateway, "--public", folder / "public", "--target", f"silent={silent}")


# The routes


def test_api_lists_the_routes(gateway):
    listed = is_json(gateway.get("/api"))
    for route in ("/api/messages", "/api/targets", "/api/info", "/api/echo", "/metrics", "/healthz", "/readyz"):
        assert route in str(listed), f"{route} is not in {listed}"


def test_api_targets_tells_each_target(gateway):
    address, port = gateway.udp
    first, second = is_json(gateway.get("/api/targets"))["targets"]
    assert first == {"name": "echo", "address": address, "port": port, "embedded": True, "default": True}
    assert second["name"] == "silent"
    assert (second["embedded"], second["default"]) == (False, False)


def test_api_targets_tells_which_is_the_default_without_an_echo_server(serve):
    options = ("--target", "first=127.0.0.1:5001", "--target", "second=[::1]:5002")
    targets = is_json(serve("--no-echo", *options, udp=[]).get("/api/targets"))["targets"]
    assert targets == [
        {"name": "first", "address": "127.0.0.1", "port": 5001, "embedded": False, "default": True},
        {"name": "second", "address": "::1", "port": 5002, "embedded": False, "default": False},
    ]


def test_api_info_tells_version_uptime_addresses_and_limits(gateway):
    info = is_json(gateway.get("/api/info"))
    assert info["version"] and info["version"] in run_yodel("--version").stdout
    assert any(name.startswith("uptime") for name in info)
    text = gateway.get("/api/info").text()
    assert str(gateway.http[1]) in text and str(gateway.udp[1]) in text
    assert "4096" in text, "the limits are told"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_gateway_that_runs_is_healthy_and_ready(gateway, path):
    answer = gateway.get(path)
    assert answer.status == 200
    carries_security_headers(answer)


@pytest.mark.parametrize("path", JSON_ROUTES)
def test_a_trailing_slash_is_ignored(gateway, path):
    assert set(is_json(gateway.get(path + "/"))) == set(is_json(gateway.get(path)))


@pytest.mark.parametrize("path", GET_ROUTES)
def test_every_answer_carries_the_security_headers(gateway, path):
    answer = gateway.get(path)
    assert answer.status == 200
    carries_security_headers(answer)


@pytest.mark.parametrize("path", GET_ROUTES)
def test_head_answers_as_get_but_without_a_body(gateway, path):
    with gateway.wire() as wire:
        got = wire.ask("GET", path)
        head = wire.ask("HEAD", path)
        assert (head.status, head.media_type(), head.body) == (got.status, got.media_type(), b"")
        assert head.header("ETag") == got.header("ETag")
        carries_security_headers(head)
        assert wire.ask("GET", "/healthz").status == 200, "no byte of a body was in between"


@pytest.mark.parametrize(
    "path, methods", [*((path, {"GET", "HEAD"}) for path in GET_ROUTES), ("/api/messages", {"POST"})]
)
def test_options_tells_what_is_allowed(gateway, path, methods):
    answer = gateway.request("OPTIONS", path)
    assert answer.status in (200, 204)
    assert allowed(answer) >= methods | {"OPTIONS"}
    assert "DELETE" not in allowed(answer)
    carries_security_headers(answer)


def allowed(answer):
    return {method.strip() for method in (answer.header("Allow") or "").split(",")}


# 404 and 405


@pytest.mark.parametrize(
    "path", ["/api/nope", "/api/message", "/API/messages", "/api/messages/1", "/apix", "/nope.html"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_such_path_is_a_404_with_a_curl_line(gateway, method, path):
    is_problem(gateway.request(method, path), 404, "not-found", "curl")


@pytest.mark.parametrize("path", ["/%zz", "/api/targets%", "/api/targets?x=%zz", "/%00", "/api%2ftargets"])
def test_a_bad_escape_in_the_url_is_refused(gateway, path):
    with gateway.wire() as wire:
        is_problem(wire.ask("GET", path), 400, "malformed-request")


def test_a_message_to_the_root_is_told_the_way(gateway):
    answer = curl("-d", "hello", gateway.url)
    assert answer.status in (404, 405)
    is_problem(answer, answer.status, {404: "not-found", 405: "method-not-allowed"}[answer.status], "curl")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_message_by_another_method_is_a_405_with_a_curl_line(gateway, method):
    answer = gateway.request(method, "/api/messages")
    is_problem(answer, 405, "method-not-allowed", "curl", "/api/messages")
    assert allowed(answer) >= {"POST"}
    assert method not in allowed(answer)


@pytest.mark.parametrize("path", ["/api/targets", "/api/info", "/metrics", "/healthz", "/app.js"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_reading_routes_refuse_other_methods(gateway, method, path):
    answer = gateway.request(method, path, b"x" if method != "DELETE" else None)
    is_problem(answer, 405, "method-not-allowed", "curl", path)
    assert allowed(answer) >= {"GET", "HEAD"}


def test_the_curl_line_of_a_405_works(gateway):
    detail = is_problem(gateway.get("/api/messages"), 405, "method-not-allowed")["detail"]
    line = re.search(r"curl .*?http://[^\s`'\"]+", detail)
    assert line, f"no curl line in {detail!r}"
    assert "/api/messages" in line[0] and (" -d " in line[0] or "--data" in line[0])


def test_head_of_nothing_is_a_404_without_a_body(gateway):
    with gateway.wire() as wire:
        assert wire.ask("HEAD", "/api/nope").status == 404
        assert wire.ask("GET", "/healthz").status == 200


# Static files


@pytest.mark.parametrize("name", PAGE_FILES)
def test_a_file_comes_with_its_type_and_a_tag(gateway, name):
    kind, text = PAGE_FILES[name]
    answer = gateway.get("/" + name)
    assert (answer.status, answer.media_type(), answer.text()) == (200, kind, text)
    assert answer.header("Cache-Control") and answer.header("ETag")


def test_the_root_is_the_page(gateway):
    answer = gateway.get("/")
    assert (answer.status, answer.media_type(), answer.text()) == (200, *PAGE_FILES["index.html"])
    assert "frame-ancestors" in answer.header("Content-Security-Policy")


@pytest.mark.parametrize("path", ["/", "/app.js", "/style.css"])
def test_a_file_that_has_not_changed_is_a_304(gateway, path):
    tag = gateway.get(path).header("ETag")
    assert re.fullmatch(r'(W/)?"[^"]+"', tag)
    with gateway.wire() as wire:
        again = wire.ask("GET", path, headers=[f"If-None-Match: {tag}"])
        assert (again.status, again.body, again.header("ETag")) == (304, b"", tag)
        among = wire.ask("GET", path, headers=[f'If-None-Match: "other", {tag}'])
        assert among.status == 304
        assert wire.ask("GET", path, headers=['If-None-Match: "something else"']).status == 200


def test_different_files_have_different_tags(gateway):
    tags = {gateway.get("/" + name).header("ETag") for name in PAGE_FILES}
    assert len(tags) == len(PAGE_FILES)


def test_a_browser_that_takes_gzip_can_read_the_file(gateway):
    answer = gateway.get("/app.js", Accept_Encoding="gzip")
    body = gzip.decompress(answer.body) if answer.header("Content-Encoding") == "gzip" else answer.body
    assert body.decode() == PAGE_FILES["app.js"][1]


# Long runs, matches nearly as far back as the format reaches and further, every byte, every length of a match.
NOISE = random.Random(1).randbytes(32_768)
COMPRESSIBLE = {
    "zeros": bytes(100_000),
    "words": "Grüße, yodel! ".encode() * 3000,
    "far": NOISE[:32_000] + NOISE[:5000],
    "too-far": b"x" * 60_000 + NOISE + b"y" + NOISE[:5000],
    "every-byte": bytes(range(256)) * 4,
    "every-length": b"".join(NOISE[:length] + b"-" for length in range(3, 300)),
    "own-code": (ROOT / "README.md").read_bytes(),
}


@pytest.fixture(scope="module")
def compressing(own_for_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compressible")
    for name, content in COMPRESSIBLE.items():
        (folder / name).write_bytes(content)
    return own_for_module(Gateway, "--public", folder)


@pytest.mark.parametrize("name", COMPRESSIBLE)
def test_what_is_compressed_is_the_same_file(compressing, name):
    plain = compressing.get("/" + name)
    short = compressing.get("/" + name, Accept_Encoding="br, gzip;q=0.5")
    assert plain.header("Content-Encoding") is None
    assert short.header("Content-Encoding") == "gzip"
    assert plain.body == gzip.decompress(short.body) == COMPRESSIBLE[name]
    assert len(short.body) < len(plain.body)
    assert plain.header("Vary") == short.header("Vary") == "Accept-Encoding"
    assert plain.header("ETag") != short.header("ETag")


def test_compression_is_as_good_as_it_gets(compressing):
    short = compressing.get("/own-code", Accept_Encoding="gzip")
    assert len(short.body) < 1.02 * len(gzip.compress(COMPRESSIBLE["own-code"], 9))


@pytest.mark.parametrize("accepted", ["gzip;q=0", "gzip ; Q=0.0", "br", "identity", "x-gzip", ""])
def test_who_does_not_take_gzip_gets_the_file_itself(compressing, accepted):
    answer = compressing.get("/words", Accept_Encoding=accepted)
    assert answer.header("Content-Encoding") is None
    assert answer.body == COMPRESSIBLE["words"]


def test_a_copy_in_gzip_is_good_for_who_takes_gzip(compressing):
    tag = compressing.get("/words", Accept_Encoding="gzip").header("ETag")
    assert compressing.get("/words", Accept_Encoding="gzip", If_None_Match=tag).status == 304
    assert compressing.get("/words", If_None_Match=tag).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/modules/../../secret.txt",
        "/modules/%2e%2e/%2e%2e/secret.txt",
        "/./../secret.txt",
        "//../secret.txt",
        "/..\\secret.txt",
        "/..%5csecret.txt",
        "/app.js/../../secret.txt",
        "/%00/../secret.txt",
        "/app.js%00",
        "/%c0%ae%c0%ae/secret.txt",
        "/%252e%252e/secret.txt",
        "/../../../../../../etc/passwd",
        "/public/app.js",
        "/modules",
        "/modules/",
    ],
)
def test_a_path_out_of_the_page_is_not_served(gateway, path):
    with gateway.wire() as wire:
        answer = wire.ask("GET", path)
    assert answer.status in (400, 404), answer
    assert SECRET.encode() not in answer.body and b"root:" not in answer.body


def test_curl_with_path_as_is_does_not_get_out_either(gateway):
    answer = curl("--path-as-is", gateway.url + "/modules/../../secret.txt")
    assert answer.status in (400, 404)


def test_a_file_that_appears_later_is_not_served(serve, tmp_path):
    (tmp_path / "index.html").write_text("first")
    gateway = serve("--public", tmp_path)
    (tmp_path / "later.txt").write_text("later")
    assert gateway.get("/later.txt").status == 404, "files come from a map read at start"


# Connections that are kept


def test_a_connection_is_kept_for_the_next_request(gateway):
    with gateway.wire() as wire:
        for number in range(50):
            answer = wire.ask("POST", "/api/messages", b"number %d" % number)
            assert is_exchange(answer)["reply"] == f"number {number}"


def test_a_connection_is_kept_after_a_problem(gateway):
    with gateway.wire() as wire:
        is_problem(wire.ask("POST", "/api/messages?bogus=1", b"x"), 400, "invalid-request")
        is_problem(wire.ask("GET", "/api/nope"), 404, "not-found")
        assert is_exchange(wire.ask("POST", "/api/messages", b"after"))["reply"] == "after"


def test_connection_close_is_heeded(gateway):
    with gateway.wire() as wire:
        answer = wire.ask("POST", "/api/messages", b"the last", headers=["Connection: close"])
        assert is_exchange(answer)["reply"] == "the last"
        assert wire.is_ended()


def test_http_1_0_is_answered_and_closed(gateway):
    with gateway.wire() as wire:
        wire.send(b"POST /api/messages HTTP/1.0\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nold")
        assert is_exchange(wire.response("POST"))["reply"] == "old"
        assert wire.is_ended()


def test_curl_keeps_its_connection_over_several_messages(gateway, tmp_path):
    words = ["-d", "one", gateway.messages, "-o", tmp_path / "second", gateway.messages, "-w", "%{num_connects}"]
    assert curl(*words).status == 200
    assert (tmp_path / "second").read_text().startswith("{")


# Limits


def connected(gateway):
    """A connection that the gateway has certainly taken."""
    wire = gateway.wire()
    assert wire.ask("GET", "/healthz").status == 200
    return wire


def is_turned_away(gateway):
    """A further connection gets a 503 that says when to come again, and is closed."""
    with gateway.wire() as wire:
        answer = wire.ask("GET", "/api/info")
        is_problem(answer, 503, "overloaded")
        assert int(answer.header("Retry-After")) >= 0
        return wire.is_ended()


def test_past_the_limit_of_connections_each_gets_a_503_and_never_silence(serve):
    gateway = serve("--max-connections", "4")
    kept = [connected(gateway) for _ in range(4)]
    assert all(is_turned_away(gateway) for _ in range(20))
    assert all(wire.ask("GET", "/healthz").status == 200 for wire in kept)
    kept.pop().close()
    wait_until(lambda: gateway.get("/healthz").status == 200, "a place is free again")
    for wire in kept:
        wire.close()


def test_many_at_once_past_the_limit_of_connections_are_all_answered(serve):
    gateway = serve("--max-connections", "4")
    kept = [connected(gateway) for _ in range(4)]
    waiting = [gateway.wire() for _ in range(100)]
    for wire in waiting:
        wire.send(b"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n")
    for wire in waiting:
        wire.send(b"hello")
    assert [wire.response("POST").status for wire in waiting] == [503] * 100
    for wire in kept + waiting:
        wire.close()


def test_past_the_limit_of_exchanges_a_message_is_a_503(serve, own):
    silent = own(Target, silence)
    gateway = serve("--max-in-flight", "1", "--target", f"silent={silent}")
    with gateway.wire() as wire:
        wire.send(waiting_request())
        wait_until(lambda: gateway.in_flight() == 1, "the first is in flight")
        answer = gateway.send("second")
        is_problem(answer, 503, "overloaded")
        assert int(answer.header("Retry-After")) >= 0
        assert gateway.get("/api/info").status == 200, "what needs no exchange is served"
        wire.reset()
    wait_until(lambda: gateway.send("third").status == 200, "a place is free again")


def waiting_request():
    path = message_path(target="silent", timeout_ms=10000)
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\nx".encode()


def test_the_wire_of_these_tests_reads_what_http_client_reads(gateway):
    with Wire(gateway.http) as wire:
        assert wire.ask("GET", "/app.js").body == gateway.get("/app.js").body
