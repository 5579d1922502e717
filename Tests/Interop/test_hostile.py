"""A target that answers as badly as one can, under a thousand concurrent messages: no answer is ever another's."""

import asyncio

import pytest

from support.hostile import TIMEOUT_MS, HostileProcess, Tally, ask
from support.gateway import message_path
from support.waiting import wait_until

CONNECTIONS = 1000
MESSAGES_A_CONNECTION = 6


@pytest.mark.parametrize("percent", [20, 100])
def test_no_reply_ever_answers_anothers_message(serve, own, percent):
    target = own(HostileProcess, 7, percent)
    gateway = serve("--target", f"hostile={target}")
    tally = Tally()
    path = message_path(target="hostile", timeout_ms=TIMEOUT_MS)
    asyncio.run(ask(gateway.http, path, CONNECTIONS, tally, lambda number: number < MESSAGES_A_CONNECTION))
    assert tally.wrong == []
    assert tally.messages == CONNECTIONS * MESSAGES_A_CONNECTION
    assert tally.outcomes["reply"] > tally.messages / 10, tally.outcomes
    assert tally.outcomes["no-reply"] > 0, tally.outcomes
    assert gateway.in_flight() == 0
    for outcome, count in tally.outcomes.items():
        assert gateway.outcomes("hostile", outcome) == count
    wait_until(lambda: gateway.metrics().value("yodel_late_replies_total") > 0, "copies and late replies are counted")
