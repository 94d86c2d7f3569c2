"""The projector of conversations: their rows, written in the append's own transaction."""

from collections.abc import Sequence

from conversations.log.keys import KeyRing
from conversations.log.prepared import Insert
from conversations.log.types import RecordedEvent
from conversations.models import Conversation, Flag, Session, Turn
from conversations.projections.owners import require_owner
from conversations.projections.rows import Rows

_save_conversation = Insert(Conversation, key=("id",))
_save_turns = Insert(Turn, key=("conversation", "turn_id"), skip=("id",))
_save_sessions = Insert(Session, key=("session_id",))
_save_flags = Insert(Flag, key=("flag_id",))


def project(events: Sequence[RecordedEvent], ring: KeyRing) -> None:
    """The projector that `apps` registers with the log: writes the rows in the append's own transaction."""
    rows = Rows.load(ring, events)
    fresh = rows.conversation is None
    for event in events:
        rows.fold(event)
    rows.seal()
    if rows.conversation is not None:
        if fresh:
            require_owner(rows.conversation)
        _save_conversation([rows.conversation])
    _save_turns(rows.turns[turn_id] for turn_id in rows.touched)
    _save_sessions(rows.sessions.values())
    _save_flags(rows.flags.values())
