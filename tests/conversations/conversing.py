"""Conversations through the real record, with words and sound, for tests of what becomes of them."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from django.contrib.auth import get_user_model

from conversations.events import (
    Keep,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    SessionOpened,
    UserSpoke,
    UserTranscribed,
)
from conversations.log.models import Key
from conversations.record import ConversationRecord
from conversations.streams import stream_of

TONE = (np.sin(np.arange(12_000) * 2 * np.pi * 440 / 24_000) * 8000).astype(np.int16).tobytes()
"""Half a second of PCM16 at 24 kHz."""


@dataclass(frozen=True)
class Talked:
    """A conversation and what was said in each of its turns: question and answer."""

    id: str
    said: tuple[tuple[str, str], ...]

    @property
    def stream(self) -> str:
        return stream_of(self.id)

    def wrapped_keys(self) -> list[bytes]:
        return [bytes(row.wrapped) for row in Key.objects.filter(stream=self.stream) if row.wrapped is not None]


def person(name: str = "ada", **fields: Any) -> str:
    """A person's id."""
    return str(get_user_model().objects.create_user(username=name, **fields).pk)


async def opened(
    owner_id: str, *, conversation_id: str | None = None, keep: Keep | None = None, session: str | None = None
) -> ConversationRecord:
    opening = SessionOpened(session_id=session or f"s-{uuid4()}", model="m", voice="v", language="en")
    return await ConversationRecord.open(owner_id=owner_id, session=opening, conversation_id=conversation_id, keep=keep)


async def say(record: ConversationRecord, number: int, question: str, answer: str) -> None:
    """One spoken turn, as a live session records it."""
    turn, response, item = f"t{number}", f"r{number}", f"a{number}"
    spool = record.spool(turn)
    await spool.add(TONE)
    audio_id = await spool.save()
    await record.append(UserSpoke(item_id=f"u{number}", audio_id=audio_id, duration_ms=500), turn_id=turn)
    await record.append(
        UserTranscribed(item_id=f"u{number}", text=question, language="en", confidence=0.9, model="w"),
        ReplyStarted(response_id=response, model="m", voice="v"),
        ReplySpoken(response_id=response, item_id=item, index=0, text=answer),
        ReplyGenerated(response_id=response, item_id=item, text=answer),
        turn_id=turn,
    )
    audio_id = await record.save_audio(turn, TONE)
    await record.append(
        ReplyHeard(response_id=response, item_id=item, text=answer, audio_ms=500, source="client", audio_id=audio_id),
        ReplyFinished(response_id=response, status="completed"),
        turn_id=turn,
    )


async def talked(owner_id: str, *said: tuple[str, str], keep: Keep | None = None, session: str | None = None) -> Talked:
    """A whole conversation, ended."""
    record = await opened(owner_id, keep=keep, session=session)
    for number, (question, answer) in enumerate(said, start=1):
        await say(record, number, question, answer)
    await record.close("client_left")
    return Talked(record.conversation_id, said)
