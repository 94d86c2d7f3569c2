"""What befalls a person as such, in a stream of their own: ``person-<id>``.

Notes are sealed under that stream's key, which dies with the person.
"""

from conversations.log.facts import Fact, know

CATEGORY = "person"


class PersonBlocked(Fact, frozen=True, kw_only=True):
    """The person may not come in any more; their live sessions end."""

    type = "person.blocked"
    personal = frozenset({"note"})
    reason: str
    note: str = ""


class PersonUnblocked(Fact, frozen=True, kw_only=True):
    type = "person.unblocked"
    personal = frozenset({"note"})
    reason: str
    note: str = ""


class PersonErased(Fact, frozen=True, kw_only=True):
    """The tombstone of a person: their conversations were erased one by one, and their name is gone."""

    type = "person.erased"
    reason: str
    conversations: int = 0
    """How many conversations were erased with them."""


know(__name__)


def person_stream(user_id: object) -> str:
    """The name of a person's stream; ``user_id`` is the opaque id of their row."""
    return f"{CATEGORY}-{user_id}"
