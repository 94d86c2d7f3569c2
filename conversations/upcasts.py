"""Older forms of payloads, brought to today's form one version at a time.

The log keeps each fact in the version it was written in. To change a fact: raise its ``version`` in `events`, register
the step from the version before here, and store an example of the new version
(``python -m tests.conversations.store_facts``).
"""

from collections.abc import Callable, Mapping
from typing import Any

Payload = dict[str, Any]
Step = Callable[[Payload], Payload]
"""Takes a payload of one version and returns that of the next.

Pure, and at ease with personal fields that are absent: they are, once the fact's words were erased.
"""


def added_optional(payload: Payload) -> Payload:
    """The next version only has more fields, each with a default that says "not known"."""
    return payload


STEPS: dict[tuple[str, int], Step] = {
    ("user.spoke", 1): added_optional,
    ("reply.heard", 1): added_optional,
    ("turn.measured", 1): added_optional,
    ("reply.voiced", 1): added_optional,
}
"""By the fact's type and the version that a step starts from."""


def upcast(type_: str, version: int, payload: Mapping[str, Any], *, to: int) -> Mapping[str, Any]:
    """The payload in version ``to``. Raises `KeyError` when a step is missing, which the tests do not let happen."""
    for step in range(version, to):
        payload = STEPS[type_, step](dict(payload))
    return payload
