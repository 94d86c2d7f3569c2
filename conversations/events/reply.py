"""An answer: what the model wrote, what was spoken of it and in whose voice, and what of that was heard."""

from typing import Literal

import msgspec

from conversations.log.facts import Fact, added_optional


class ReplyStarted(Fact, frozen=True, kw_only=True):
    type = "reply.started"
    response_id: str
    model: str = ""
    voice: str = ""


class ReplyGenerated(Fact, frozen=True, kw_only=True):
    """What the model wrote, whether or not anybody heard it."""

    type = "reply.generated"
    personal = frozenset({"text"})
    response_id: str
    item_id: str
    text: str
    finish_reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


class ToolCalled(Fact, frozen=True, kw_only=True):
    type = "tool.called"
    personal = frozenset({"arguments"})
    response_id: str
    item_id: str
    call_id: str
    name: str
    arguments: str


class ReplySpoken(Fact, frozen=True, kw_only=True):
    """A sentence about to be sent as sound (or, in a text answer, the text)."""

    type = "reply.spoken"
    personal = frozenset({"text"})
    response_id: str
    item_id: str
    index: int
    text: str


class Pause(msgspec.Struct, frozen=True):
    """The player had nothing to play for ``for_ms``, once it had played ``at_ms`` of the answer."""

    at_ms: int
    for_ms: int


class ReplyHeard(Fact, frozen=True, kw_only=True):
    """What reached the listener; never beyond what was sent. The sound holds what was sent and not heard, too."""

    type = "reply.heard"
    version = 2
    steps = (added_optional,)
    personal = frozenset({"text"})
    response_id: str
    item_id: str
    text: str
    audio_ms: int
    source: Literal["client", "playback_clock", "text"]
    audio_id: str = ""
    complete: bool = True
    began_at_ms: int | None = None
    """When the first sound reached the listener by the playback clock, Unix time; None for a text."""
    pauses: tuple[Pause, ...] = ()
    """Within what was heard."""
    sound_ms: int | None = None
    """How long the sound is that ``audio_id`` names: all that was sent."""


class ReplyVoiced(Fact, frozen=True, kw_only=True):
    """Who spoke a sentence of an answer, where it was a cloned voice or not the one that was asked for."""

    type = "reply.voiced"
    version = 2
    steps = (added_optional,)
    response_id: str
    item_id: str
    index: int
    engine: str
    model: str = ""
    voice: str = ""
    """The embedded voice, or the reference by its opaque id."""
    cloned: bool = False
    watermarked: bool = False
    fallback: str = ""
    """Why it was not the voice that was asked for; empty when it was."""
    quality: str = "fast"
    utterance_id: str = ""
    """Of a cloned sentence: the record of where its sound came from."""
    asked: str = ""
    """The voice that the answer was to be given in; empty in facts from before it was noted."""


class ReplyFinished(Fact, frozen=True, kw_only=True):
    type = "reply.finished"
    response_id: str
    status: Literal["completed", "cancelled", "failed", "incomplete"]
    reason: str = ""


class ReplyFailed(Fact, frozen=True, kw_only=True):
    """The model answered nothing, or an engine failed; ``spoken`` is the honest sentence said instead."""

    type = "reply.failed"
    response_id: str
    code: str
    message: str
    spoken: str = ""
