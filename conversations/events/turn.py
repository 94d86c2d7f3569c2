"""The user's side of a turn, the items that a client puts in or takes out, and the turn's waterfall."""

from conversations.log.facts import Fact, added_optional


class UserSpoke(Fact, frozen=True, kw_only=True):
    """An utterance was committed; its sound is on disk."""

    type = "user.spoke"
    version = 2
    steps = (added_optional,)
    item_id: str
    audio_id: str
    duration_ms: int
    previous_item_id: str | None = None
    began_at_ms: int | None = None
    """When the sound's first sample was spoken, Unix time; None where the client brought the sound along."""


class UserTranscribed(Fact, frozen=True, kw_only=True):
    type = "user.transcribed"
    personal = frozenset({"text"})
    item_id: str
    text: str
    language: str = ""
    confidence: float = 0.0
    model: str = ""


class UserTranscriptionFailed(Fact, frozen=True, kw_only=True):
    type = "user.transcription_failed"
    item_id: str
    code: str
    message: str


class UserWrote(Fact, frozen=True, kw_only=True):
    """A typed message."""

    type = "user.wrote"
    personal = frozenset({"text"})
    item_id: str
    text: str
    previous_item_id: str | None = None


class ItemCreated(Fact, frozen=True, kw_only=True):
    """An item that the client put into the conversation: a system message, an assistant's message, a tool's output."""

    type = "item.created"
    personal = frozenset({"content"})
    item_id: str
    kind: str
    role: str = ""
    content: str = ""
    """The item as JSON, as the client sent it."""
    previous_item_id: str | None = None


class ItemDeleted(Fact, frozen=True, kw_only=True):
    type = "item.deleted"
    item_id: str


class TurnMeasured(Fact, frozen=True, kw_only=True):
    """The waterfall: milliseconds from the true end of speech; None where a step did not happen."""

    type = "turn.measured"
    version = 2
    steps = (added_optional,)
    response_id: str
    endpoint_ms: float | None = None
    transcript_ms: float | None = None
    first_token_ms: float | None = None
    first_sentence_ms: float | None = None
    first_audio_ms: float | None = None
    model_ms: float | None = None
    """Time on the road to the first audio spent in models."""
    engine: str = ""
    """What spoke the first sentence; empty in older records."""
    cloned: bool = False
    """It was a person's voice."""
    quality: str = ""
    """``fast`` or ``fine``."""
