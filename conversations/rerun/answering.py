"""One turn answered anew, by the same steps as a live one: chat model, sentence by sentence to text-to-speech."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from conversations.history import HistoryItem
from conversations.realtime.borrowing import Borrowed
from conversations.realtime.config import Offer
from conversations.realtime.context import ChatMessage, Window, chat_message
from conversations.realtime.generation import Generation
from conversations.realtime.items import Entry
from conversations.realtime.opening import as_item
from conversations.realtime.plans import SPOKEN_TOKENS, UNITS_PER_S, UNKNOWN_WINDOW, WRITTEN_TOKENS
from conversations.realtime.speaking import Origin
from conversations.realtime.steps import Again, Fault, Finished, Marks, Plan, Sentence, Sound, Text, Voiced
from inference.ports import Engines
from inference.types import ChatRequest, Usage

LONGEST_S = 300.0
"""One answer, from the question to the last sound."""


class Answer(msgspec.Struct, kw_only=True):
    """What the engines made of a turn. Times are milliseconds from the moment when the user's words were known."""

    generated: str
    sentences: tuple[str, ...] = ()
    pcm: bytes = b""
    """PCM16 mono at ``WIRE_RATE``; empty for an answer that is read."""
    finish_reason: str = ""
    usage: Usage = Usage()
    voiced: tuple[Voiced, ...] = ()
    """Who spoke its sentences."""
    fault: Fault | None = None
    first_token_ms: float | None = None
    first_sentence_ms: float | None = None
    first_audio_ms: float | None = None


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How answers are made in this run."""

    model: str = ""
    voice: str = ""
    borrowed: Borrowed | None = None
    """A voice profile, instead of ``voice``."""
    instructions: str = ""
    spoken_answer_s: float = 0.0
    cache_key: str = ""


def context(
    items: Iterable[HistoryItem], window: Window, instructions: str, offer: Offer, language: str
) -> tuple[ChatMessage, ...]:
    """What the model is shown: the instructions, then the conversation as it was heard, as in a live session."""
    entries = [Entry(as_item(item), item.turn_id, heard=None if item.complete else item.text) for item in items]
    budget = (offer.context_tokens or UNKNOWN_WINDOW) - SPOKEN_TOKENS
    return window.messages(window.instructions(instructions, language), entries, budget)


def message_of(item: HistoryItem) -> ChatMessage | None:
    return chat_message(as_item(item))


def plan(messages: tuple[Mapping[str, Any], ...], manner: Manner, offer: Offer, *, language: str, spoken: bool) -> Plan:
    """The plan of a live session's answer to these messages, with this run's model and voice."""
    bounded = spoken and manner.spoken_answer_s > 0
    return Plan(
        request=ChatRequest(
            messages=messages,
            model=manner.model,
            max_tokens=SPOKEN_TOKENS if spoken else WRITTEN_TOKENS,
            prompt_cache_key=manner.cache_key,
        ),
        spoken=spoken,
        language=language,
        voice=offer.voice(manner.voice, language),
        borrowed=manner.borrowed,
        voiceless=None
        if offer.can_speak(language)
        else Fault("language_not_spoken", f"No voice speaks {language}: the answer is text only.", fatal=False),
        enough=int(manner.spoken_answer_s * UNITS_PER_S * 0.65) if bounded else None,
        most=int(manner.spoken_answer_s * UNITS_PER_S) if bounded else None,
    )


async def answer(engines: Engines, made: Plan, origin: Callable[[asyncio.TaskGroup], Origin] | None = None) -> Answer:
    """Makes all of it, as fast as it comes. Raises `TimeoutError` after `LONGEST_S`; engine errors are in ``fault``.

    ``origin`` records where cloned sentences come from, in tasks of the group.
    """
    said = Answer(generated="")
    sounds: list[bytearray] = [bytearray()]
    sentences: list[str] = []
    async with asyncio.timeout(LONGEST_S), asyncio.TaskGroup() as group:
        generation = Generation(engines, made, origin=origin(group) if origin is not None else None).start(group)
        generation.commit()
        async for step in generation.steps():
            match step:
                case Sentence(_, text) | Text(text):
                    sentences.append(text)
                    sounds.append(bytearray())
                case Again():
                    sounds[-1] = bytearray()
                case Voiced():
                    said.voiced = (*said.voiced, step)
                case Sound(piece):
                    sounds[-1] += piece
                case Fault():
                    said.fault = said.fault or step
                case Finished():
                    said.finish_reason, said.usage = step.reason, step.usage or Usage()
                case _:
                    pass
    said.generated, said.sentences, said.pcm = generation.text or "".join(sentences), tuple(sentences), b"".join(sounds)
    if not made.spoken:
        said.sentences = ("".join(sentences),) if sentences else ()
    _time(said, generation.marks)
    return said


def _time(said: Answer, marks: Marks) -> None:
    def since(moment: float) -> float | None:
        return round((moment - marks.started) * 1000, 1) if moment else None

    said.first_token_ms = since(marks.first_token)
    said.first_sentence_ms = since(marks.first_sentence)
    said.first_audio_ms = since(marks.first_sound)
