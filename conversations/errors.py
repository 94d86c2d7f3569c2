"""What can go wrong with a conversation."""

from common.refusals import Invalid, NotAllowed, NotFound, Refused, WrongState

__all__ = [
    "ConversationNotFound",
    "Invalid",
    "NotAllowed",
    "PersonNotFound",
    "Refused",
    "SessionNotFound",
    "UnknownOwner",
    "WrongState",
]


class ConversationNotFound(NotFound):
    """There is no such conversation, or it is another's."""

    what = "conversation"


class SessionNotFound(ConversationNotFound):
    """There never was such a session."""

    what = "session"


class PersonNotFound(NotFound):
    """There is no such person."""

    what = "person"


class UnknownOwner(Exception):
    """A conversation cannot start for a person who does not exist."""
