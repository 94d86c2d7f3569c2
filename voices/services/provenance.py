"""What was said in cloned voices, on record: durable before the first sound, closed with its acoustic fingerprint.

Nobody's words are in it. Coroutines call `aopened` and `aclosed`, plain code `opened` and `closed`.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from conversations.log import store
from conversations.log.eventlog import event_log
from conversations.log.facts import Fact, new_event
from conversations.log.types import Appended, Metadata
from voices.events import UtteranceClosed, UtteranceOpened, provenance_stream

SELF = "self"
"""In place of a profile: a person's own voice, of the conversation that is being held."""


class Opening(msgspec.Struct, frozen=True):
    """What is known before the first sound. ``utterance_id``: a fresh, opaque id; a repeated one changes nothing."""

    utterance_id: str
    voice: str
    """A profile's id, or `SELF`."""
    owner_id: str
    """Whose voice it is."""
    speaker_id: str
    """For whom it is said."""
    engine: str
    model: str = ""
    quality: str = ""
    conversation_id: str = ""
    """Required for `SELF`."""
    response_id: str = ""
    door: str = ""
    """``realtime``, ``api`` or ``preview``."""

    @property
    def source(self) -> str:
        return self.conversation_id if self.voice == SELF else self.voice


def opened(opening: Opening) -> None:
    """Raises `conversations.log.errors.LogError`: then nothing may be said."""
    event_log().write_now(_opening(opening))


async def aopened(opening: Opening) -> None:
    """As `opened`."""
    await event_log().write(_opening(opening))


def closed(
    opening: Opening, *, duration_ms: int, watermarked: bool, fingerprint: str = "", complete: bool = True
) -> None:
    """``fingerprint``: `inference.audio.fingerprint` of what was sent. ``complete``: it was not broken off."""
    event_log().write_now(_closing(opening, duration_ms, watermarked, fingerprint, complete))


async def aclosed(
    opening: Opening, *, duration_ms: int, watermarked: bool, fingerprint: str = "", complete: bool = True
) -> None:
    """As `closed`."""
    await event_log().write(_closing(opening, duration_ms, watermarked, fingerprint, complete))


def _opening(opening: Opening) -> Callable[[], Appended]:
    if not opening.source:
        raise ValueError("an utterance in somebody's own voice belongs to a conversation")
    fact = UtteranceOpened(
        utterance_id=opening.utterance_id,
        voice=opening.voice,
        owner=opening.owner_id,
        speaker=opening.speaker_id,
        engine=opening.engine,
        model=opening.model,
        quality=opening.quality,
        conversation_id=opening.conversation_id,
        response_id=opening.response_id,
        door=opening.door,
    )
    return _append(opening, fact, "opened")


def _closing(
    opening: Opening, duration_ms: int, watermarked: bool, fingerprint: str, complete: bool
) -> Callable[[], Appended]:
    fact = UtteranceClosed(
        utterance_id=opening.utterance_id,
        duration_ms=duration_ms,
        watermarked=watermarked,
        fingerprint=fingerprint,
        complete=complete,
    )
    return _append(opening, fact, "closed")


def _append(opening: Opening, fact: Fact, step: str) -> Callable[[], Appended]:
    event = new_event(fact, Metadata(actor=opening.speaker_id))
    return partial(
        store.append, provenance_stream(opening.source), store.ANY, [event], f"{opening.utterance_id} {step}"
    )
