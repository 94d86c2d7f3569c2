"""Live sessions of a conversation that was erased, redacted, or is kept otherwise: they look at the log at once."""

from uuid import UUID

from conversations.models import Session
from conversations.oversight import broadcast, presence
from conversations.oversight.orders import ERASED


def end_sessions(conversation_id: UUID) -> None:
    """Asks the live sessions to end. One that this does not reach ends within `orders.LOOK_S` seconds by itself."""
    _tell(conversation_id, "end", ERASED)


def tell_sessions(conversation_id: UUID) -> None:
    """Asks the live sessions to read in the log what was done to their conversation."""
    _tell(conversation_id, "look", "")


def somebody_talks() -> bool:
    """Whether anybody is connected now, anywhere."""
    return presence.live().exists()


def _tell(conversation_id: UUID, order: broadcast.Order, reason: str) -> None:
    sessions = Session.objects.filter(conversation_id=conversation_id, closed_at=None)
    for session_id in sessions.values_list("session_id", flat=True):
        broadcast.tell_session(session_id, order, reason)
