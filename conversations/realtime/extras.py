"""Our own events, told only to a client that asks for them (``?extras=avatar``)."""

from collections.abc import Callable
from typing import Literal

import msgspec

from conversations.events import Keep
from conversations.realtime.protocol.server_events import ServerEvent
from inference.types import EngineStatus, ServiceLevel, VoiceInfo


class AvatarEvent(ServerEvent):
    """Base of the extras."""


class ConversationOpened(AvatarEvent, kw_only=True, tag="avatar.conversation"):
    """Which conversation this is; with both values a client resumes it (``?conversation=ID&after=SEQUENCE``)."""

    conversation_id: str
    sequence: int
    resumed: bool
    keep: Keep
    """What is kept of what is said from now on."""


class KeepUpdated(AvatarEvent, kw_only=True, tag="avatar.keep.updated"):
    """From now on this is kept: the answer to ``avatar.keep.update``, or because its owner chose it elsewhere."""

    keep: Keep


class Recorded(AvatarEvent, kw_only=True, tag="avatar.recorded"):
    """All that was said up to here is durable."""

    sequence: int


class EngineProgress(AvatarEvent, kw_only=True, tag="avatar.engines"):
    """Whether a conversation can start, what is still loading, and what there is to choose from."""

    ready: bool
    engines: tuple[EngineStatus, ...]
    voices: tuple[VoiceInfo, ...]


class Holding(AvatarEvent, kw_only=True, tag="avatar.holding"):
    """Speech over an answer is suspected: sending is held, or goes on. ``at_ms`` is microphone time."""

    held: bool
    at_ms: int


class SentenceStarted(AvatarEvent, kw_only=True, tag="avatar.sentence"):
    """This sentence's sound begins at that place of the item's sound."""

    response_id: str
    item_id: str
    index: int
    text: str
    audio_start_ms: int


class Waterfall(AvatarEvent, kw_only=True, tag="avatar.waterfall"):
    """Where the time of a turn went: milliseconds from the true end of speech; None where a step did not happen."""

    response_id: str
    turn_id: str
    endpoint_ms: float | None
    transcript_ms: float | None
    first_token_ms: float | None
    first_sentence_ms: float | None
    first_audio_ms: float | None
    model_ms: float | None
    own_ms: float
    """Neither a model's work nor the silence that shows the end of the turn."""
    engine: str
    cloned: bool
    quality: str


class SpeechBy(AvatarEvent, kw_only=True, tag="avatar.speech"):
    """Who speaks a sentence. ``fallback`` says why it is not the voice that was asked for."""

    response_id: str
    item_id: str
    index: int
    engine: str
    model: str
    voice: str
    cloned: bool
    watermarked: bool
    quality: str
    fallback: str


class VoiceTaken(AvatarEvent, kw_only=True, tag="avatar.voice_stopped"):
    """The voice may not be used any more: throw away what your player still has. Another one says it again."""

    voice: str
    reason: str
    message: str


class SelfVoice(AvatarEvent, kw_only=True, tag="avatar.self_voice.updated"):
    """How the speaker's own voice stands: ``collecting`` until enough was said, then ``ready``."""

    state: Literal["off", "collecting", "ready", "refused"]
    reason: str = ""
    message: str = ""
    speech_s: float = 0.0
    needed_s: float = 0.0


class Service(AvatarEvent, kw_only=True, tag="avatar.service"):
    """What the machine has memory for at the moment, in a word and in plain words."""

    level: ServiceLevel
    reason: str
    message: str


class Queue(AvatarEvent, kw_only=True, tag="avatar.queue"):
    """All places are taken: where the session stands in the line, and when a place is expected to be free."""

    position: int
    """1 is the next to be served."""
    places: int
    """How many may wait."""
    expected_s: float | None


class Moderated(AvatarEvent, kw_only=True, tag="avatar.moderation"):
    """A moderator has muted the session, or lets it speak again. ``reason`` is a short code."""

    muted: bool
    reason: str


class Heard(AvatarEvent, kw_only=True, tag="avatar.heard"):
    """What of an answer counts as heard."""

    item_id: str
    audio_ms: int
    complete: bool
    source: str


class Extras:
    """Tells them, or keeps silent when nobody asked. An event is only built for who asked."""

    def __init__(self, emit: Callable[[AvatarEvent], None] | None) -> None:
        self._emit = emit

    @property
    def wanted(self) -> bool:
        """Whether the client asked for them."""
        return self._emit is not None

    def tell(self, build: Callable[[], AvatarEvent]) -> None:
        if self._emit is not None:
            self._emit(build())


def as_waterfall(fact: msgspec.Struct, turn_id: str, own_ms: float) -> Waterfall:
    """The same numbers as the `TurnMeasured` fact."""
    fields = msgspec.structs.asdict(fact)
    return Waterfall(turn_id=turn_id, own_ms=own_ms, **fields)
