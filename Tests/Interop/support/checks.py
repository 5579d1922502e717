"""What every answer of a kind has in common, checked in one place."""

import re

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MEMBERS = {"reply", "sender", "local", "target", "bytes", "match", "rtt_ms"}


def carries_security_headers(answer):
    for name, value in ALWAYS.items():
        assert answer.header(name) == value, (name, answer, answer.headers)
    assert answer.header("Access-Control-Allow-Origin") is None, "there is no CORS grant"


def is_json(answer, media_type="application/json"):
    """The answer's JSON, after a look at what all JSON answers promise."""
    carries_security_headers(answer)
    assert answer.media_type() == media_type, answer
    assert answer.body.endswith(b"\n"), "JSON ends in a newline"
    assert answer.header("Cache-Control") == "no-store", "API answers are not kept"
    return answer.json()


def is_problem(answer, status, name, *mentions):
    """The members of a problem, whose detail mentions all of `mentions`."""
    assert answer.status == status, answer
    problem = is_json(answer, "application/problem+json")
    assert problem["type"] == f"urn:yodel:problem:{name}", problem
    assert problem["status"] == status
    assert isinstance(problem["title"], str) and problem["title"]
    assert isinstance(problem["detail"], str) and problem["detail"]
    for mention in mentions:
        assert mention in problem["detail"], f"{mention!r} is not in {problem['detail']!r}"
    return problem


def is_exchange(answer, more=()):
    """The members of a 200, of exactly the promised names and types; `more` names those that are there on top."""
    assert answer.status == 200, answer
    exchange = is_json(answer)
    assert set(exchange) == MEMBERS | set(more), exchange
    assert exchange["reply"] is None or isinstance(exchange["reply"], str)
    assert isinstance(exchange["target"], str)
    assert type(exchange["bytes"]) is int and exchange["bytes"] >= 0
    assert type(exchange["match"]) is bool
    _is_address(exchange["sender"])
    _is_address(exchange["local"])
    _is_round_trip_time(answer, exchange["rtt_ms"])
    return exchange


def _is_address(value):
    assert set(value) == {"address", "port"}, value
    assert isinstance(value["address"], str) and "[" not in value["address"]
    assert type(value["port"]) is int and 0 < value["port"] < 65536


def _is_round_trip_time(answer, value):
    written = re.search(rb'"rtt_ms":\s*([^,}\s]+)', answer.body)[1].decode()
    assert re.fullmatch(r"\d+(\.\d{1,3})?", written), f"milliseconds to the microsecond, not {written}"
    assert 0 < value < 15000
    timing = re.search(r"\budp;dur=([0-9.]+)", answer.header("Server-Timing") or "")
    assert timing and float(timing[1]) == value, answer.headers
