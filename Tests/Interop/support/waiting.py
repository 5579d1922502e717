"""Waiting for a condition, never for a time."""

import time

# How long anything may take that should be there at once. It bounds a failure; no test that passes waits for it.
PATIENCE = 15.0


def wait_until(condition, what, timeout=PATIENCE, pause=0.02):
    """Return the first true value of `condition()`; fail, saying `what` was awaited, when `timeout` seconds pass."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what} (last: {value!r})")
        time.sleep(pause)
