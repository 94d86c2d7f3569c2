"""Recorded conversations with sound that can be told apart: the user is a tone of 400 Hz, answers one of 1000 Hz."""

from datetime import UTC, datetime
from functools import partial

import numpy as np
import numpy.typing as npt
from django.conf import settings
from uuid6 import uuid7

from conversations.events import (
    ConversationStarted,
    Fact,
    Pause,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    TurnMeasured,
    UserSpoke,
    UserTranscribed,
)
from conversations.log.audio import AudioStore
from conversations.log.eventlog import event_log
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Metadata
from conversations.models import Conversation
from conversations.record import new_event
from conversations.selectors import ConversationView, view_of
from conversations.streams import stream_of
from inference.audio.opus import decode_opus, encode_opus

RATE = 24_000
USER_HZ, REPLY_HZ = 400, 1000
BEGAN = 1_790_000_000_000
"""Unix time in milliseconds at which these conversations begin."""


def tone(hz: int, ms: int) -> bytes:
    """PCM16 mono at `RATE`."""
    samples = np.sin(2 * np.pi * hz * np.arange(ms * RATE // 1000) / RATE)
    return (8000 * samples).astype("<i2").tobytes()


def loudness(pcm: bytes, hz: int, start_ms: int, end_ms: int) -> float:
    """How much of a tone there is in that time; about 1 where it is played alone as `tone` made it."""
    part = np.frombuffer(pcm, "<i2")[start_ms * RATE // 1000 : end_ms * RATE // 1000].astype(float)
    wave = np.exp(-2j * np.pi * hz * np.arange(len(part)) / RATE)
    return float(2 * abs(np.dot(part, wave)) / len(part) / 8000)


def samples_of(opus: bytes) -> "npt.NDArray[np.int16]":
    return np.frombuffer(decode_opus(opus), "<i2")


class Recorded:
    """A conversation being recorded; moments are milliseconds from `BEGAN`."""

    def __init__(self, owner_id: str, *, keep: str = "sound") -> None:
        self.id = str(uuid7())
        self.owner_id = owner_id
        self.record("", ConversationStarted(owner=owner_id, keep=keep))  # type: ignore[arg-type]

    def record(self, turn_id: str, *facts: Fact) -> None:
        metadata = Metadata(actor=self.owner_id, session="s", correlation=turn_id)
        event_log().append_now(stream_of(self.id), None, [new_event(fact, metadata) for fact in facts])

    def store(self, turn_id: str, pcm: bytes) -> str:
        """The sound's id."""
        key = event_log().write_now(partial(_sound_key, stream_of(self.id), turn_id))
        return AudioStore(settings.DATA_DIR / "audio").write(key, encode_opus(pcm))

    def user(
        self,
        turn_id: str,
        at_ms: int | None,
        ms: int,
        text: str = "A question.",
        *,
        stored: bool = True,
        pcm: bytes = b"",
    ) -> None:
        """Says ``pcm``, or a tone of ``ms``, and its words; ``at_ms`` None is a fact of before there were moments."""
        self.record(
            turn_id,
            UserSpoke(
                item_id=f"u-{turn_id}",
                audio_id=self.store(turn_id, pcm or tone(USER_HZ, ms)) if stored else "",
                duration_ms=ms,
                began_at_ms=None if at_ms is None else BEGAN + at_ms,
            ),
            UserTranscribed(item_id=f"u-{turn_id}", text=text),
        )

    def reply(
        self,
        turn_id: str,
        at_ms: int | None,
        sent_ms: int,
        heard_ms: int | None = None,
        text: str = "An answer.",
        pauses: tuple[Pause, ...] = (),
        *,
        stored: bool = True,
        pcm: bytes = b"",
    ) -> None:
        """Answers with ``pcm``, or a tone of ``sent_ms``, of which ``heard_ms`` were heard, or all."""
        heard_ms = sent_ms if heard_ms is None else heard_ms
        response_id, item_id = f"r-{turn_id}", f"a-{turn_id}"
        heard = ReplyHeard(
            response_id=response_id,
            item_id=item_id,
            text=" ".join(text.split()[: len(text.split()) * heard_ms // sent_ms]),
            audio_ms=heard_ms,
            source="playback_clock",
            audio_id=self.store(turn_id, pcm or tone(REPLY_HZ, sent_ms)) if stored else "",
            complete=heard_ms == sent_ms,
            began_at_ms=None if at_ms is None else BEGAN + at_ms,
            pauses=pauses,
            sound_ms=None if at_ms is None else sent_ms,
        )
        self.record(
            turn_id,
            ReplyStarted(response_id=response_id),
            ReplySpoken(response_id=response_id, item_id=item_id, index=0, text=text),
            ReplyGenerated(response_id=response_id, item_id=item_id, text=text),
            heard,
            ReplyFinished(response_id=response_id, status="completed"),
            TurnMeasured(
                response_id=response_id,
                endpoint_ms=210,
                transcript_ms=180,
                first_token_ms=250,
                first_sentence_ms=300,
                first_audio_ms=420,
            ),
        )

    @property
    def conversation(self) -> Conversation:
        return Conversation.objects.get(id=self.id)

    @property
    def view(self) -> ConversationView:
        return view_of(self.conversation)


def _sound_key(stream: str, turn_id: str) -> DataKey:
    return KeyRing.load(stream, [turn_id]).data_key(turn_id, Purpose.SOUND, create=True)


def at(ms: int) -> datetime:
    return datetime.fromtimestamp((BEGAN + ms) / 1000, UTC)
