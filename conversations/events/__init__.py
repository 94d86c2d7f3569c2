"""The facts of a conversation: one small, versioned payload type each.

``personal`` names the fields that hold a person's words; the log encrypts them under the turn's key. The order of a
spoken turn: `UserSpoke` (before ``committed`` is said), `UserTranscribed`, `ReplyStarted`, `ReplySpoken` per sentence
(before its first sound is sent), `ReplyGenerated`, `ReplyHeard`, `ReplyFinished`, `TurnMeasured`.
"""

from conversations.events.conversation import ConversationErased, ConversationStarted, Keep, KeepChanged, TurnRedacted
from conversations.events.moderation import (
    NOT_FOR_THE_OWNER,
    ConversationHidden,
    FlagDecided,
    FlagRaised,
    RecordingHeard,
    SessionCut,
    SessionMuted,
)
from conversations.events.reply import (
    Pause,
    ReplyFailed,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    ReplyVoiced,
    ToolCalled,
)
from conversations.events.session import (
    SelfVoiceAllowed,
    SelfVoiceEnded,
    ServiceChanged,
    SessionClosed,
    SessionOpened,
    VoiceStopped,
)
from conversations.events.turn import (
    ItemCreated,
    ItemDeleted,
    TurnMeasured,
    UserSpoke,
    UserTranscribed,
    UserTranscriptionFailed,
    UserWrote,
)
from conversations.log.facts import FACTS, Fact, UnknownFact, decode_fact, know

__all__ = [
    "FACTS",
    "NOT_FOR_THE_OWNER",
    "ConversationErased",
    "ConversationHidden",
    "ConversationStarted",
    "Fact",
    "FlagDecided",
    "FlagRaised",
    "ItemCreated",
    "ItemDeleted",
    "Keep",
    "KeepChanged",
    "Pause",
    "RecordingHeard",
    "ReplyFailed",
    "ReplyFinished",
    "ReplyGenerated",
    "ReplyHeard",
    "ReplySpoken",
    "ReplyStarted",
    "ReplyVoiced",
    "SelfVoiceAllowed",
    "SelfVoiceEnded",
    "ServiceChanged",
    "SessionClosed",
    "SessionCut",
    "SessionMuted",
    "SessionOpened",
    "ToolCalled",
    "TurnMeasured",
    "TurnRedacted",
    "UnknownFact",
    "UserSpoke",
    "UserTranscribed",
    "UserTranscriptionFailed",
    "UserWrote",
    "VoiceStopped",
    "decode_fact",
]

know(*(f"{__name__}.{part}" for part in ("conversation", "moderation", "reply", "session", "turn")))
