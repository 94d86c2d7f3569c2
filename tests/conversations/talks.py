"""Conversations of a few words, put into the log as a session does."""

import time
import uuid
from dataclasses import dataclass, field

from conversations.events import (
    ConversationStarted,
    Fact,
    Keep,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    SessionOpened,
    TurnMeasured,
    UserSpoke,
    UserTranscribed,
)
from conversations.log.audio import AudioStore
from conversations.log.eventlog import event_log
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Metadata
from conversations.record import new_event
from conversations.streams import stream_of


@dataclass(frozen=True)
class Said:
    """A question, its answer, and how much of that was heard (None: all)."""

    user: str
    answer: str = ""
    heard: str | None = None
    language: str = "en"


@dataclass
class Talk:
    """A conversation in the log; add turns with `say`."""

    owner_id: str
    language: str = "en"
    voice: str = "hibari-en"
    keep: Keep = "sound"
    sound: bytes = b""
    """Stored as every recording; empty stores none."""
    at_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    """When the next turn begins to be spoken, Unix time."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    turn_ids: list[str] = field(default_factory=list)
    audio_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        started = ConversationStarted(owner=self.owner_id, language=self.language, voice=self.voice, keep=self.keep)
        session = SessionOpened(session_id=f"s-{self.id}", voice=self.voice, language=self.language)
        self.record("", started, session)

    def say(self, *turns: Said | str) -> "Talk":
        for turn in turns:
            self._say(turn if isinstance(turn, Said) else Said(turn))
        return self

    def record(self, turn_id: str, *facts: Fact) -> None:
        metadata = Metadata(actor=self.owner_id, session=f"s-{self.id}", correlation=turn_id)
        event_log().append_now(stream_of(self.id), None, [new_event(fact, metadata) for fact in facts])

    def _say(self, said: Said) -> None:
        number = len(self.turn_ids) + 1
        turn_id = f"turn-{number}-{self.id[:8]}"
        user, reply, response = f"u{number}", f"a{number}", f"r{number}"
        audio_id = self._store(turn_id)
        spoken = UserSpoke(item_id=user, audio_id=audio_id, duration_ms=1500, began_at_ms=self.at_ms)
        self.at_ms += 2000
        self.record(turn_id, spoken, UserTranscribed(item_id=user, text=said.user, language=said.language))
        self.turn_ids.append(turn_id)
        if not said.answer:
            return
        heard = said.answer if said.heard is None else said.heard
        complete = said.heard is None
        self.record(
            turn_id,
            ReplyStarted(response_id=response, model="m", voice=self.voice),
            ReplySpoken(response_id=response, item_id=reply, index=0, text=said.answer),
            ReplyGenerated(response_id=response, item_id=reply, text=said.answer, finish_reason="stop"),
            ReplyHeard(
                response_id=response,
                item_id=reply,
                text=heard,
                audio_ms=len(heard) * 60,
                source="playback_clock",
                audio_id=self._store(turn_id),
                complete=complete,
                began_at_ms=self.at_ms,
                sound_ms=len(said.answer) * 60,
            ),
            ReplyFinished(response_id=response, status="completed" if complete else "cancelled"),
            TurnMeasured(response_id=response, endpoint_ms=210.0, transcript_ms=300.0, first_audio_ms=480.0),
        )
        self.at_ms += len(heard) * 60 + 1000

    def _store(self, turn_id: str) -> str:
        if not self.sound:
            return ""
        from django.conf import settings

        stream = stream_of(self.id)

        def made() -> DataKey:
            return KeyRing.load(stream, [turn_id]).data_key(turn_id, Purpose.SOUND, create=True)

        key = event_log().write_now(made)
        audio_id = AudioStore(settings.DATA_DIR / "audio").write(key, self.sound)
        self.audio_ids.append(audio_id)
        return audio_id
