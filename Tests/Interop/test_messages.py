"""`POST /api/messages`, every kind of body, as people send it with curl."""

import base64
import json

import pytest

from support.checks import carries_security_headers, is_exchange, is_problem
from support.curl import curl
from support.gateway import Gateway
from support.udp import LARGEST_IPV4, Target, silence, text_of, upper

JSON = ("-H", "Content-Type: application/json")
RAW = ("-H", "Content-Type: application/octet-stream")
OPTIONS = ("target", "timeout_ms", "fresh")
KNOWN = ("message", "base64", "hex", *OPTIONS)


@pytest.fixture(scope="module")
def gateway(own_for_module):
    targets = {
        "upper": own_for_module(Target, upper),
        "silent": own_for_module(Target, silence),
        "binary": own_for_module(Target, lambda target, _, source: target.reply(b"\xff\xfe\x00", source)),
        "mute": own_for_module(Target, lambda target, _, source: target.reply(b"", source)),
    }
    words = [word for name, target in targets.items() for word in ("--target", f"{name}={target}")]
    return own_for_module(Gateway, *words)


@pytest.fixture
def post(gateway):
    """`post(word, …, query="…")`: curl with these words to /api/messages."""
    return lambda *words, query="", **more: curl(*words, gateway.messages + query, **more)


def json_body(**members):
    return json.dumps(members)


# What curl sends as it is


def test_the_curl_line_that_the_gateway_prints_works(gateway):
    command, *words = gateway.try_words()
    assert command == "curl"
    assert is_exchange(curl(*words))["reply"] == "hello from client!!"


def test_curl_d_sends_the_text_as_it_is(post):
    exchange = is_exchange(post("-d", "hello from client!!"))
    assert exchange["reply"] == "hello from client!!"
    assert exchange["bytes"] == 19
    assert exchange["match"] is True
    assert exchange["target"] == "echo"


@pytest.mark.parametrize("text", ["a=b", "a=b&c=%20+%zz", '{"a":1}', "{not json", "[1]", "100%", "é 😀"])
def test_a_form_without_a_message_field_is_sent_as_it_is(post, text):
    assert is_exchange(post("-d", text))["reply"] == text


def test_the_sender_is_the_echo_server_and_the_local_address_is_ours(gateway, post):
    exchange = is_exchange(post("-d", "x"))
    assert (exchange["sender"]["address"], exchange["sender"]["port"]) == gateway.udp
    assert exchange["local"]["address"] == "127.0.0.1"
    assert exchange["local"]["port"] != exchange["sender"]["port"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/octet-stream", "application/x-made-up", "text/plain; charset=utf-8"]
)
def test_any_other_content_type_sends_the_body_byte_for_byte(post, kind):
    body = bytes(range(256)) + "é😀\r\n".encode()
    exchange = is_exchange(post("-H", f"Content-Type: {kind}", "--data-binary", "@-", stdin=body), ["reply_base64"])
    assert exchange["reply"] is None
    assert base64.b64decode(exchange["reply_base64"]) == body
    assert exchange["bytes"] == len(body)
    assert exchange["match"] is True


def test_without_a_content_type_the_body_is_sent_as_it_is(post):
    body = '{"message":"not looked into"}'
    assert is_exchange(post("-H", "Content-Type:", "-d", body))["reply"] == body


def test_text_plain_is_not_looked_into(post):
    body = '{"message":"x","bogus":1}'
    assert is_exchange(post("-H", "Content-Type: text/plain", "-d", body))["reply"] == body


@pytest.mark.parametrize(
    "words",
    [("-X", "POST"), ("-d", ""), ("-H", "Content-Type: text/plain", "-d", ""), ("-H", "Content-Type:", "-d", "")],
    ids=["no body", "form", "text", "no type"],
)
def test_an_empty_body_is_an_empty_datagram(post, words):
    exchange = is_exchange(post(*words))
    assert (exchange["reply"], exchange["bytes"], exchange["match"]) == ("", 0, True)


def test_nul_bytes_are_bytes_like_others(post):
    assert is_exchange(post(*RAW, "--data-binary", "@-", stdin=b"a\0b\0"))["reply"] == "a\0b\0"


def test_a_body_in_chunks_is_the_same_message(post):
    text = "in chunks " * 1000
    assert is_exchange(post("-H", "Transfer-Encoding: chunked", "-d", text))["reply"] == text


def test_the_largest_datagram_goes_through(post):
    body = bytes(i * 7 % 251 for i in range(LARGEST_IPV4))
    exchange = is_exchange(post(*RAW, "--data-binary", "@-", stdin=body), ["reply_base64"])
    assert exchange["match"] is True
    assert base64.b64decode(exchange["reply_base64"]) == body


# Expect: 100-continue


def test_a_big_body_waits_for_100_continue(gateway):
    body = b"x" * 60000
    with gateway.wire() as wire:
        head = f"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        wire.send(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert wire.head()[0] == 100
        wire.send(body)
        assert is_exchange(wire.response("POST"))["bytes"] == len(body)


def test_curl_with_expect_gets_its_answer(post):
    body = b"y" * 60000
    answer = post(*RAW, "-H", "Expect: 100-continue", "--data-binary", "@-", stdin=body)
    assert is_exchange(answer)["bytes"] == len(body)


# Forms


def test_a_form_field_is_decoded(post):
    assert is_exchange(post("-d", "message=hello+there%21%20%C3%A9"))["reply"] == "hello there! é"


def test_curl_data_urlencode_carries_any_text(post):
    text = 'a & b = c % d + e ; é 😀\n"quoted" {braces}'
    assert is_exchange(post("--data-urlencode", f"message={text}"))["reply"] == text


def test_other_form_fields_are_options(gateway, post):
    problem = is_problem(post("-d", "message=x", "-d", "target=silent", "-d", "timeout_ms=60"), 504, "no-reply")
    assert problem["timeout_ms"] == 60
    assert problem["target"] == "silent"


def test_options_may_come_before_the_message(post):
    assert is_exchange(post("-d", "fresh=true&target=upper&message=abc"))["reply"] == "ABC"


@pytest.mark.parametrize("field", ["base64=aGVsbG8%3D", "base64=aGVsbG8=", "hex=68656c6c6f", "hex=68656C6C6F"])
def test_bytes_may_come_in_a_form_field(post, field):
    exchange = is_exchange(post("-d", field), ["reply_base64"])
    assert exchange["reply"] == "hello"
    assert exchange["reply_base64"] == "aGVsbG8="


def test_an_empty_message_field_is_an_empty_datagram(post):
    assert is_exchange(post("-d", "message="))["bytes"] == 0


def test_an_unknown_field_beside_a_message_is_an_error_that_names_the_known(post):
    is_problem(post("-d", "message=x&timeout=5"), 400, "invalid-request", "timeout", *KNOWN)


@pytest.mark.parametrize(
    "form",
    [
        "message=a&message=b",
        "message=a&hex=61",
        "base64=YQ%3D%3D&hex=61",
        "message=a&timeout_ms=50&timeout_ms=60",
        "hex=6",
        "hex=zz",
        "base64=%21%21%21%21",
        "message=a&timeout_ms=soon",
        "message=a&fresh=perhaps",
    ],
)
def test_a_form_that_is_wrong_is_refused(post, form):
    is_problem(post("-d", form), 400, "invalid-request")


def test_multipart_is_refused_with_a_word_on_d(post):
    is_problem(post("-F", "message=hello"), 415, "unsupported-media-type", "-d")


# JSON


def test_json_without_its_header_is_taken_as_json(post):
    assert is_exchange(post("-d", '{"message":"hello from client!!"}'))["reply"] == "hello from client!!"


def test_json_without_its_header_may_have_options(post):
    assert is_exchange(post("-d", json_body(target="upper", message="abc", timeout_ms=3000)))["reply"] == "ABC"


@pytest.mark.parametrize(
    "body",
    ['{"message":"a","bogus":1}', '{"message":"a","hex":"61"}', '{"message":1}', '{"message":"a","message":"b"}'],
)
def test_json_without_its_header_is_json_in_every_respect(post, body):
    is_problem(post("-d", body), 400, "invalid-request")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_with_its_header(post, kind):
    answer = post("-H", f"Content-Type: {kind}", "-d", '{"message": "hello from client!!"}')
    assert is_exchange(answer)["reply"] == "hello from client!!"


@pytest.mark.parametrize(
    "written, meant",
    [
        ('"\\ud83d\\ude00"', "😀"),
        ('"😀 é \\u00e9"', "😀 é é"),
        ('"a\\u0000b"', "a\0b"),
        ('"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
        ('""', ""),
        ('"<script>\u2028\u202e"', "<script>\u2028\u202e"),
        ('"\\uFFFF\\u10ff"', "\uffff\u10ff"),
    ],
)
def test_json_text_comes_back_character_for_character(post, written, meant):
    exchange = is_exchange(post(*JSON, "--data-binary", "@-", stdin=f' {{ "message" :\t{written}\r\n}} '.encode()))
    assert exchange["reply"] == meant
    assert exchange["bytes"] == len(meant.encode())


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\x00\x80", bytes(range(256))])
@pytest.mark.parametrize("member", ["base64", "hex"])
def test_bytes_in_json_are_answered_as_bytes(post, member, data):
    written = data.hex() if member == "hex" else base64.b64encode(data).decode()
    exchange = is_exchange(post(*JSON, "-d", json_body(**{member: written})), ["reply_base64"])
    assert base64.b64decode(exchange["reply_base64"], validate=True) == data
    assert exchange["bytes"] == len(data)
    assert exchange["match"] is True
    assert exchange["reply"] == (None if b"\x80" in data else data.decode())


def test_the_largest_datagram_fits_as_unicode_escapes(post):
    body = '{"message":"' + "\\u0061" * LARGEST_IPV4 + '"}'
    assert is_exchange(post(*JSON, "--data-binary", "@-", stdin=body))["bytes"] == LARGEST_IPV4


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"target":"echo"}',
        '{"message":"a","base64":"YQ=="}',
        '{"base64":"YQ==","hex":"61"}',
        '{"message":"a","base64":"YQ==","hex":"61"}',
    ],
)
def test_exactly_one_of_message_base64_and_hex_is_needed(post, body):
    is_problem(post(*JSON, "-d", body), 400, "invalid-request", "message", "base64", "hex")


def test_an_empty_body_is_no_json(post):
    is_problem(post(*JSON, "-d", ""), 400, "invalid-request")


@pytest.mark.parametrize("name", ["mesage", "Message", "timeout", "msg", ""])
def test_an_unknown_member_is_an_error_that_names_the_known(post, name):
    is_problem(post(*JSON, "-d", json_body(**{"message": "a", name: 1})), 400, "invalid-request", *KNOWN)


@pytest.mark.parametrize(
    "body",
    [
        '{"message":"a","message":"b"}',
        '{"message":"a","\\u006dessage":"b"}',
        '{"message":"a","timeout_ms":50,"timeout_ms":50}',
    ],
)
def test_a_doubled_member_is_refused(post, body):
    is_problem(post(*JSON, "-d", body), 400, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        '{"message":1}',
        '{"message":null}',
        '{"message":["a"]}',
        '{"message":{"a":"b"}}',
        '{"message":true}',
        '{"hex":61}',
        '{"base64":[]}',
        '{"message":"a","timeout_ms":"50"}',
        '{"message":"a","timeout_ms":true}',
        '{"message":"a","timeout_ms":[50]}',
        '{"message":"a","fresh":"yes"}',
        '{"message":"a","fresh":1}',
        '{"message":"a","target":7}',
        '["message"]',
        '"message"',
        "7",
        "null",
    ],
)
def test_a_wrong_type_is_refused(post, body):
    is_problem(post(*JSON, "-d", body), 400, "invalid-request")


@pytest.mark.parametrize(
    "body", ['{"hex":"abc"}', '{"hex":"zz"}', '{"base64":"a"}', '{"base64":"****"}', '{"base64":"aGk=x"}']
)
def test_bytes_that_are_none_are_refused(post, body):
    is_problem(post(*JSON, "-d", body), 400, "invalid-request")


@pytest.mark.parametrize("value", ["0", "-1", "10001", "1000000000", "9" * 40, "1e30"])
def test_a_timeout_out_of_range_is_refused_with_the_range(post, value):
    answer = post(*JSON, "-d", f'{{"message":"a","timeout_ms":{value}}}')
    is_problem(answer, 400, "invalid-request", "timeout_ms", "10000")


@pytest.mark.parametrize("value", [1, 10000])
def test_the_ends_of_the_range_of_timeouts_are_in_it(post, value):
    answer = post(*JSON, "-d", json_body(message="a", target="upper", timeout_ms=value))
    assert answer.status == 200 or (value == 1 and answer.status == 504)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"hello",
        b'{"message":"a"',
        b'{"message":"a"} x',
        b'{"message":"a"}{}',
        b"{'message':'a'}",
        b'{"message":"a",}',
        b'{"message" "a"}',
        b'{message:"a"}',
        b'{"message":NaN}',
        b'{"message":"a","timeout_ms":050}',
        b'{"message":"a","timeout_ms":+50}',
        b'{"message":"a\nb"}',
        b'{"message":"\\q"}',
        b'{"message":"\\u12g4"}',
        b'{"message":"\\u12',
        b'{"message":"a"}\0',
        b'{"message":"a" /* why */}',
    ],
)
def test_bad_json_is_refused(post, body):
    is_problem(post(*JSON, "--data-binary", "@-", stdin=body), 400, "invalid-request")


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"],
    ids=["byte FF", "overlong", "surrogate", "past U+10FFFF", "cut short", "continuation alone"],
)
def test_bad_utf8_in_json_is_refused(post, text):
    is_problem(post(*JSON, "--data-binary", "@-", stdin=b'{"message":"' + text + b'"}'), 400, "invalid-request")


@pytest.mark.parametrize(
    "text", ["\\ud800", "\\udc00", "\\ud800x", "\\ud800\\u0041", "\\ude00\\ud83d", "\\ud83d\\ud83d"]
)
def test_a_lone_surrogate_is_refused(post, text):
    is_problem(post(*JSON, "-d", f'{{"message":"{text}"}}'), 400, "invalid-request")


@pytest.mark.parametrize("depth", [17, 100, 100_000])
@pytest.mark.parametrize("opened, closed", ["[]", ('{"a":', "}")], ids=["arrays", "objects"])
def test_deep_nesting_is_refused(post, depth, opened, closed):
    body = '{"message":' + opened * depth + "1" + closed * depth + "}"
    answer = post(*JSON, "--data-binary", "@-", stdin=body)
    assert answer.status == (400 if len(body) <= 512 * 1024 else 413), answer


# Options in the query string


def test_options_of_a_raw_body_are_in_the_query(post):
    answer = post(*RAW, "-d", "abc", query="?target=%75pper&timeout_ms=5000&fresh=true")
    assert is_exchange(answer)["reply"] == "ABC"


def test_curl_d_takes_options_from_the_query(post):
    problem = is_problem(post("-d", "plain text", query="?target=silent&timeout_ms=50"), 504, "no-reply")
    assert problem["timeout_ms"] == 50


@pytest.mark.parametrize("kind", [RAW, JSON, ()], ids=["raw", "json", "form"])
def test_an_unknown_parameter_is_an_error_that_names_the_known(post, kind):
    answer = post(*kind, "-d", '{"message":"a"}', query="?tiemout_ms=50")
    is_problem(answer, 400, "invalid-request", "tiemout_ms", *OPTIONS)


@pytest.mark.parametrize(
    "query",
    ["timeout_ms=0", "timeout_ms=10001", "timeout_ms=abc", "timeout_ms=", "fresh=perhaps", "target=echo&target=echo"],
)
def test_a_wrong_parameter_is_refused(post, query):
    is_problem(post(*RAW, "-d", "a", query="?" + query), 400, "invalid-request")


@pytest.mark.parametrize("query", ["target=%zz", "target=%e", "target=%", "%zz=echo"])
def test_a_bad_escape_in_the_query_is_refused(post, query):
    is_problem(post(*RAW, "-d", "a", query="?" + query), 400, "malformed-request")


# The answer


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream"])
def test_accept_gets_the_bytes_alone_and_the_sender_in_a_header(gateway, post, kind):
    body = b"\xff\0bytes\n"
    answer = post(*RAW, "-H", f"Accept: {kind}", "--data-binary", "@-", stdin=body)
    assert answer.status == 200
    assert answer.body == body
    assert answer.media_type() == kind
    assert answer.header("Yodel-Sender") == text_of(*gateway.udp)
    assert "udp;dur=" in answer.header("Server-Timing")
    carries_security_headers(answer)


def test_accept_text_of_an_empty_reply_is_empty(post):
    answer = post("-H", "Accept: text/plain", "-d", "anything", query="?target=mute")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "application/*", "application/json, text/plain, */*", "text/html, */*;q=0.8"]
)
def test_accept_of_json_or_anything_gets_json(post, accept):
    assert is_exchange(post("-H", f"Accept: {accept}", "-d", "a"))["reply"] == "a"


def test_a_problem_is_json_whatever_is_accepted(post):
    is_problem(post("-H", "Accept: text/plain", *JSON, "-d", "{}"), 400, "invalid-request")


def test_a_reply_that_differs_is_a_200_that_does_not_match(post):
    exchange = is_exchange(post("-d", "message=abc&target=upper"))
    assert (exchange["reply"], exchange["match"], exchange["target"]) == ("ABC", False, "upper")


def test_an_empty_reply_is_a_reply(post):
    exchange = is_exchange(post("-d", "message=abc&target=mute"))
    assert (exchange["reply"], exchange["bytes"], exchange["match"]) == ("", 0, False)


def test_a_reply_that_is_no_text_comes_as_base64(post):
    exchange = is_exchange(post("-d", "message=abc&target=binary"), ["reply_base64"])
    assert exchange["reply"] is None
    assert exchange["reply_base64"] == base64.b64encode(b"\xff\xfe\x00").decode()
    assert (exchange["bytes"], exchange["match"]) == (3, False)


def test_fresh_takes_a_source_port_that_no_message_used_before(gateway, post):
    used = {is_exchange(gateway.send("x"))["local"]["port"] for _ in range(20)}
    fresh = [is_exchange(post("-d", "message=x&fresh=true"))["local"]["port"] for _ in range(20)]
    assert len(set(fresh)) == len(fresh)
    assert not used & set(fresh)


def test_a_fresh_port_is_fresh_for_json_too(post):
    ports = [is_exchange(post(*JSON, "-d", json_body(message="x", fresh=True)))["local"]["port"] for _ in range(5)]
    assert len(set(ports)) == 5


def test_a_trailing_slash_is_ignored(gateway):
    assert is_exchange(curl("-d", "x", gateway.messages + "/"))["reply"] == "x"


# Too large


@pytest.mark.parametrize("kind", [RAW, (), JSON], ids=["raw", "form", "json"])
def test_one_byte_more_than_a_datagram_holds_is_too_large(post, kind):
    text = "a" * (LARGEST_IPV4 + 1)
    body = json_body(message=text) if kind is JSON else text
    is_problem(post(*kind, "--data-binary", "@-", stdin=body), 413, "message-too-large", str(LARGEST_IPV4))


def test_a_declared_body_over_the_bound_is_refused_before_it_comes(gateway):
    with gateway.wire() as wire:
        wire.send(b"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 600000\r\n\r\n")
        is_problem(wire.response("POST"), 413, "message-too-large")


def test_curl_that_expects_is_told_of_a_body_over_the_bound(post):
    answer = post(*RAW, "-H", "Expect: 100-continue", "--data-binary", "@-", stdin=b"x" * 600_000)
    is_problem(answer, 413, "message-too-large")


def test_chunks_over_the_bound_are_refused_at_their_end(post):
    answer = post(*RAW, "-H", "Transfer-Encoding: chunked", "--data-binary", "@-", stdin=b"x" * 600_000)
    is_problem(answer, 413, "message-too-large")


# Targets


@pytest.mark.parametrize("target", ["nope", "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "localhost:9999", "Echo"])
def test_a_target_that_nobody_configured_is_unknown(post, target):
    is_problem(post(*JSON, "-d", json_body(message="a", target=target)), 400, "unknown-target")


def test_a_literal_target_is_not_allowed_by_default(gateway, post):
    literal = text_of(*gateway.udp)
    is_problem(post(*JSON, "-d", json_body(message="a", target=literal)), 403, "target-not-allowed")
