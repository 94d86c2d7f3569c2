"""One live session of a conversation: from its beginning to its end, and what it was given meanwhile."""

from conversations.log.facts import Fact


class SessionOpened(Fact, frozen=True, kw_only=True):
    type = "session.opened"
    session_id: str
    model: str = ""
    voice: str = ""
    language: str = ""


class SessionClosed(Fact, frozen=True, kw_only=True):
    type = "session.closed"
    session_id: str
    reason: str


class VoiceStopped(Fact, frozen=True, kw_only=True):
    """A borrowed voice was taken back while a session used it: nothing more was said with it."""

    type = "session.voice_stopped"
    session_id: str
    voice: str
    reason: str


class SelfVoiceAllowed(Fact, frozen=True, kw_only=True):
    """The speaker agreed that answers of this session are spoken in their own voice, made from what they say in it."""

    type = "self_voice.allowed"
    session_id: str


class SelfVoiceEnded(Fact, frozen=True, kw_only=True):
    """The agreement ended: taken back, or with the session. What was made of the voice is gone."""

    type = "self_voice.ended"
    session_id: str
    reason: str


class ServiceChanged(Fact, frozen=True, kw_only=True):
    """The machine gave a session less than everything for want of memory, or everything again (``level`` full)."""

    type = "service.changed"
    session_id: str
    level: str
    reason: str = ""
