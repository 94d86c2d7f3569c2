"""Recorded conversations for tests that run them again: sound and words as a live session leaves them."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model

from conversations.events import (
    ConversationStarted,
    Fact,
    Keep,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    SessionClosed,
    SessionOpened,
    TurnMeasured,
    UserSpoke,
    UserTranscribed,
    UserWrote,
)
from conversations.log.audio import AudioStore
from conversations.log.eventlog import event_log
from conversations.log.keys import KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Metadata
from conversations.record import new_event
from conversations.streams import stream_of
from inference.audio.opus import encode_opus

MEASURED: dict[str, Any] = {
    "endpoint_ms": 400.0,
    "transcript_ms": 200.0,
    "first_token_ms": 260.0,
    "first_sentence_ms": 350.0,
    "first_audio_ms": 520.0,
}


class Recorded:
    """A conversation being recorded; ``id`` names it."""

    def __init__(
        self, owner: str = "speaker", *, keep: Keep = "sound", language: str = "", voice: str = "anna"
    ) -> None:
        user, _ = get_user_model().objects.get_or_create(username=owner)
        self.owner_id = str(user.pk)
        self.id = str(uuid4())
        started = ConversationStarted(owner=self.owner_id, voice=voice, language=language, keep=keep)
        self.append("", started, SessionOpened(session_id=self.id, voice=voice, language=language))

    def append(self, turn_id: str, *facts: Fact) -> None:
        metadata = Metadata(actor=self.owner_id, session=self.id, correlation=turn_id)
        event_log().append_now(stream_of(self.id), None, [new_event(fact, metadata) for fact in facts])

    def sound(self, turn_id: str, pcm: bytes) -> str:
        """``pcm``: PCM16 mono 24 kHz."""
        stream = stream_of(self.id)
        key = event_log().write_now(
            lambda: KeyRing.load(stream, [turn_id]).data_key(turn_id, Purpose.SOUND, create=True)
        )
        return AudioStore(settings.DATA_DIR / "audio").write(key, encode_opus(pcm))

    def spoken(
        self,
        turn_id: str,
        said: str,
        answer: str,
        *,
        heard: str | None = None,
        pcm: bytes = bytes(24_000),
        language: str = "en",
    ) -> None:
        """A spoken turn; ``heard`` is what reached the listener of the answer (None: all of it)."""
        item = f"user_{turn_id}"
        spoke = UserSpoke(item_id=item, audio_id=self.sound(turn_id, pcm), duration_ms=len(pcm) // 48)
        self.append(turn_id, spoke)
        words = UserTranscribed(item_id=item, text=said, language=language, confidence=0.9, model="whisper-base")
        self.append(turn_id, words)
        self.answered(turn_id, answer, heard)

    def typed(self, turn_id: str, said: str, answer: str) -> None:
        self.append(turn_id, UserWrote(item_id=f"user_{turn_id}", text=said))
        self.answered(turn_id, answer)

    def answered(self, turn_id: str, answer: str, heard: str | None = None) -> None:
        response, item = f"resp_{turn_id}", f"item_{turn_id}"
        self.append(
            turn_id,
            ReplyStarted(response_id=response, model="smollm2", voice="anna"),
            ReplySpoken(response_id=response, item_id=item, index=0, text=answer),
            ReplyGenerated(response_id=response, item_id=item, text=answer, finish_reason="stop"),
            ReplyHeard(
                response_id=response,
                item_id=item,
                text=answer if heard is None else heard,
                audio_ms=900,
                source="playback_clock" if heard is None else "client",
                complete=heard is None,
            ),
            ReplyFinished(response_id=response, status="completed" if heard is None else "cancelled"),
            TurnMeasured(response_id=response, **MEASURED),
        )

    def close(self) -> str:
        self.append("", SessionClosed(session_id=self.id, reason="client_closed"))
        return self.id
