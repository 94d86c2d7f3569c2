"""What people other than the owner did: moderators, and whoever raised a flag."""

from typing import Literal

from conversations.log.facts import Fact


class ConversationHidden(Fact, frozen=True, kw_only=True):
    """A moderator took the conversation out of its owner's sight, or gave it back (``hidden`` is False)."""

    type = "conversation.hidden"
    personal = frozenset({"note"})
    hidden: bool
    reason: str
    note: str = ""


class FlagRaised(Fact, frozen=True, kw_only=True):
    """A rule or a person asks a moderator to look. ``turn_id`` is empty for the conversation as a whole."""

    type = "flag.raised"
    personal = frozenset({"note"})
    flag_id: str
    turn_id: str = ""
    reason: str
    rule: str = ""
    """Name of the rule that raised it; empty when a person did."""
    note: str = ""


class FlagDecided(Fact, frozen=True, kw_only=True):
    """A person decided about a flag."""

    type = "flag.decided"
    personal = frozenset({"note"})
    flag_id: str
    decision: Literal["dismissed", "upheld"]
    reason: str
    note: str = ""


class SessionMuted(Fact, frozen=True, kw_only=True):
    """A moderator silenced a live session, or let it speak again: nothing is heard of it and it says nothing."""

    type = "session.muted"
    session_id: str
    muted: bool
    reason: str


class SessionCut(Fact, frozen=True, kw_only=True):
    """A moderator ended a live session; `SessionClosed` follows from the session itself."""

    type = "session.cut"
    session_id: str
    reason: str


class RecordingHeard(Fact, frozen=True, kw_only=True):
    """Somebody who is not the owner listened to a recording, or read the words (``what`` is ``words``)."""

    type = "recording.heard"
    turn_id: str = ""
    audio_id: str = ""
    what: Literal["sound", "words"] = "sound"
    reason: str = ""


NOT_FOR_THE_OWNER = frozenset({FlagRaised.type, FlagDecided.type, ConversationHidden.type})
"""What moderators think about a conversation is not told to the one whose conversation it is."""
