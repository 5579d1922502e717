"""`GET /openapi.json` says what the gateway does: each example is held to its schema and to a real answer."""

import json
import urllib.parse

import openapi_spec_validator
import pytest

from support.checks import is_json
from support.gateway import Gateway, message_path
from support.http import Wire
from support.openapi import METHODS, examples, resolved, validate
from support.udp import ClosedPort, Target, silence

JSON = {"Content-Type": "application/json"}
TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def gateway(own_for_module):
    silent, closed = own_for_module(Target, silence), own_for_module(ClosedPort)
    options = ["--target", f"silent={silent}", "--target", f"closed={closed}", "--max-feeds", "1"]
    return own_for_module(Gateway, *options)


@pytest.fixture(scope="module")
def raw(gateway):
    return is_json(gateway.get("/openapi.json"))


@pytest.fixture(scope="module")
def document(raw):
    return resolved(raw, raw)


def operations(document):
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def media_types(document):
    """Every media type object: of the bodies, and of the answers."""
    for path, method, operation in operations(document):
        for name, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{method} {path} {name}", name, content
        for status, answer in operation["responses"].items():
            for name, content in answer.get("content", {}).items():
                yield f"{method} {path} {status} {name}", name, content


def test_the_document_is_one(raw):
    assert raw["openapi"] == "3.1.0"
    openapi_spec_validator.validate(raw)


def test_every_example_has_its_schema(document):
    count = 0
    for place, name, content in media_types(document):
        if "json" not in name and "form" not in name or "ndjson" in name:
            continue
        for example in examples(content):
            validate(example, content["schema"])
            count += 1
        assert examples(content) or "/openapi.json" in place, f"{place} has no example"
    assert count > 100


def members(value):
    """The names of all members, in their order, at whatever depth."""
    if isinstance(value, list):
        return [members(value[0])] if value else []
    return {name: members(member) for name, member in value.items()} if isinstance(value, dict) else None


def same_members(example, real):
    """Both have the same members in the same order, but for what is null or empty in one of them."""
    if isinstance(example, dict) and isinstance(real, dict):
        assert list(example) == list(real)
        for name in example:
            same_members(example[name], real[name])
    elif isinstance(example, list) and isinstance(real, list) and example and real:
        same_members(example[0], real[0])


JSON_ANSWERS = [
    ("get", "/api"), ("get", "/api/targets"), ("get", "/api/info"), ("get", "/api/echo"),
    ("get", "/api/echo/impairments"), ("put", "/api/echo/impairments"), ("patch", "/api/echo/impairments"),
    ("delete", "/api/echo/impairments"), ("get", "/api/datagrams"), ("get", "/healthz"), ("get", "/readyz"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), JSON_ANSWERS)
def test_a_real_answer_is_as_the_example(serve, document, method, path):
    gateway = serve()
    assert gateway.send("seen").status == 200
    operation = document["paths"][path][method]
    answer = operation["responses"]["200"]["content"]["application/json"]
    body = operation.get("requestBody", {"content": {}})["content"].get("application/json", {})
    for sent in examples(body) or [None]:
        body = json.dumps(sent).encode() if sent is not None else None
        real = is_json(gateway.request(method.upper(), path, body, JSON))
        validate(real, answer["schema"])
        for example in examples(answer):
            same_members(example, real)


def test_all_json_answers_are_met(document):
    described = {
        (method, path)
        for path, method, operation in operations(document)
        if "application/json" in operation["responses"].get("200", {}).get("content", {})
    }
    apart = {("post", "/api/messages"), ("post", "/api/probes"), ("get", "/openapi.json")}
    assert described == {*JSON_ANSWERS, *apart}


def test_a_message_in_every_form(gateway, document):
    operation = document["paths"]["/api/messages"]["post"]
    reply = operation["responses"]["200"]["content"]
    sent = 0
    for name, content in operation["requestBody"]["content"].items():
        for example in examples(content):
            text = example
            if "json" in name:
                text = json.dumps(example)
            elif "form" in name:
                text = urllib.parse.urlencode(example)
            answer = gateway.request("POST", "/api/messages", text.encode(), {"Content-Type": name})
            real = is_json(answer)
            validate(real, reply["application/json"]["schema"])
            is_binary = isinstance(example, dict) and "message" not in example
            expected = next(e for e in examples(reply["application/json"]) if ("reply_base64" in e) == is_binary)
            assert list(real) == list(expected)
            sent += 1
    assert sent == 7
    for accept in ("text/plain", "application/octet-stream"):
        answer = gateway.request("POST", "/api/messages", b"bytes", {"Accept": accept})
        assert answer.media_type() == accept and accept in reply and answer.body == b"bytes"
        headers = operation["responses"]["200"]["headers"]
        assert all(answer.header(name) for name in headers)


def test_a_series_is_as_it_is_described(gateway, document):
    operation = document["paths"]["/api/probes"]["post"]
    schemas = document["components"]["schemas"]
    answer = operation["responses"]["200"]["content"]
    example = answer["application/x-ndjson"]["example"].splitlines()
    assert json.loads(example[-1]) == answer["application/json"]["example"]
    real = gateway.request("POST", "/api/probes", b'{"count":2,"interval_ms":1}')
    lost = gateway.request("POST", "/api/probes", b'{"count":1,"timeout_ms":1,"target":"silent"}')
    unreachable = gateway.request("POST", "/api/probes", b'{"count":1,"target":"closed"}')
    for lines in (example, *(stream.text().splitlines() for stream in (real, lost, unreachable))):
        for line in lines[:-1]:
            validate(json.loads(line), schemas["seriesLine"])
        validate(json.loads(lines[-1]), schemas["seriesSummary"])
    assert members(json.loads(real.text().splitlines()[-1])) == members(json.loads(example[-1]))
    summary = gateway.request("POST", "/api/probes", b'{"count":1}', {"Accept": "application/json"})
    validate(is_json(summary), answer["application/json"]["schema"])


def test_the_feed_is_as_it_is_described(gateway, document):
    content = document["paths"]["/api/datagrams"]["get"]["responses"]["200"]["content"]["text/event-stream"]
    schemas = document["components"]["schemas"]
    events = [event.splitlines() for event in content["example"].split("\n\n") if event.startswith("event: ")]
    assert [event[0] for event in events] == ["event: datagram", "event: gap"]
    for event in events:
        name, data = event[0].removeprefix("event: "), event[-1].removeprefix("data: ")
        validate(json.loads(data), schemas[name])


def test_every_method_of_a_path_is_there(gateway, document):
    for path, item in document["paths"].items():
        if path == "/":
            continue
        allowed = gateway.request("OPTIONS", path).header("Allow")
        assert {method.upper() for method in item} == set(allowed.split(", ")), path
        assert item["options"]["responses"]["204"]["headers"]["Allow"]["example"] == allowed


def provoked(serve, gateway):
    """Each problem that can be had without breaking the machine: (path, method, answer)."""
    post = "/api/messages"
    yield post, "post", gateway.request("POST", post, b"{", JSON)
    yield post, "post", gateway.request("POST", message_path(target="nowhere"), b"x")
    yield post, "post", gateway.request("POST", message_path(target="192.0.2.1:9999"), b"x")
    yield post, "post", gateway.request("POST", post, b"x", {"Sec-Fetch-Site": "cross-site"})
    yield post, "post", gateway.request("POST", post, b"x", {"Content-Type": "multipart/form-data"})
    yield post, "post", gateway.request("POST", post, b"x" * 65_508)
    yield post, "post", gateway.request("POST", message_path(target="silent", timeout_ms=1), b"x")
    yield post, "post", gateway.request("POST", message_path(target="closed"), b"x")
    yield post, "post", gateway.request("POST", post + "?timeout_ms=%zz", b"x")
    for fields in (["Transfer-Encoding: gzip"], ["X: " + 7_500 * "x"]):
        with Wire(gateway.http) as wire:
            yield post, "post", wire.ask("POST", post, None, fields)
    yield "/api", "get", gateway.request("GET", "/api", None, {"Host": "gateway.example"})
    with Wire(gateway.http) as feed:
        feed.send(b"GET /api/datagrams HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        assert feed.head()[0] == 200
        yield "/api/datagrams", "get", gateway.get("/api/datagrams", Accept="text/event-stream")
    limited = serve("--message-rate", "1")
    answers = [limited.send("x") for _ in range(3)]
    yield post, "post", answers[-1]
    forwarded = {"X-Forwarded-For": "192.0.2.1"}
    yield "/api/echo/impairments", "delete", gateway.request("DELETE", "/api/echo/impairments", None, forwarded)
    yield "/api/echo", "get", serve("--no-echo", "--target", "lab=127.0.0.1:9999", udp=()).get("/api/echo")


def test_a_real_problem_is_as_it_is_described(serve, gateway, document, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    locked = serve("--token-file", tmp_path / "token")
    seen = set()
    for path, method, answer in [*provoked(serve, gateway), ("/api", "get", locked.get("/api"))]:
        problem = is_json(answer, "application/problem+json")
        kind = problem["type"].removeprefix("urn:yodel:problem:")
        described = document["paths"][path][method]["responses"][str(answer.status)]
        content = described["content"]["application/problem+json"]
        validate(problem, document["components"]["schemas"][kind])
        validate(problem, content["schema"])
        assert kind in content["examples"], f"{kind} of {method} {path}"
        assert content["examples"][kind]["value"]["title"] == problem["title"]
        assert all(answer.header(name) for name in described["headers"])
        seen.add(kind)
    for answer in (gateway.get("/nothing"), gateway.request("PUT", "/api")):
        problem = is_json(answer, "application/problem+json")
        kind = problem["type"].removeprefix("urn:yodel:problem:")
        described = document["components"]["responses"][kind]
        validate(problem, described["content"]["application/problem+json"]["schema"])
        assert all(answer.header(name) for name in described["headers"])
        seen.add(kind)
    kinds = set(document["components"]["examples"])
    # Our own bug, a route that is gone, and the end: they have tests of their own.
    assert kinds - seen == {"internal-error", "target-unreachable", "draining"}


def test_who_needs_a_token_is_told(serve, tmp_path, document):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    locked = serve("--token-file", tmp_path / "token")
    told = is_json(locked.get("/openapi.json"))
    for path, method, operation in operations(told):
        asked = locked.request(method.upper(), path, b"")
        assert (asked.status == 401) == (operation["security"] == [{"token": []}]), f"{method} {path}"
    assert all(operation["security"] == [] for _, _, operation in operations(document))
