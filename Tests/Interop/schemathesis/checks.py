"""What a valid request may be refused for all the same, since no schema can say it."""

import schemathesis

REASONS = {
    # Two places for one option; names of targets, which are configured; bytes, where a schema counts characters.
    "sendMessage": ("is in the body and in the query", "there is no target", "carries at most"),
    "probe": ("there is no target", "takes one of"),
    "probeHead": ("there is no target", "takes one of"),
    # Whether there is a delay depends on what is in force.
    "changeImpairments": ("'reorder_percent' needs a delay",),
}


@schemathesis.check
def accepted_but_for_a_reason(_context, response, case):
    reasons = REASONS.get((case.operation.definition.raw.get("operationId")))
    if reasons is None or response.request.method == "HEAD" or not case.meta.generation.mode.is_positive or response.status_code not in (400, 413):
        return
    detail = response.json()["detail"]
    assert any(reason in detail for reason in reasons), f"a valid request was refused: {detail}"
