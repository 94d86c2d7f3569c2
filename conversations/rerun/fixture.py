"""A turn taken out of the record as a test: its sound, what came before it, what was made of it, what is expected.

A folder: ``turn.json`` (`Fixture`), ``context.jsonl`` (the facts before it, a `StoredFact` on each line), the user's
sounds as Ogg Opus, ``README.md`` and a test for pytest. Nothing in it is encrypted.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings

from conversations.events import TurnMeasured, UserSpoke, UserTranscribed, UserWrote, decode_fact
from conversations.history import History, HistoryItem
from conversations.realtime.attempt import SILENCE_AFTER
from conversations.realtime.config import Offer
from conversations.realtime.context import Window
from conversations.realtime.limits import Limits
from conversations.realtime.plans import language_of_text
from conversations.rerun import answering
from conversations.rerun.answering import Answer, Manner
from conversations.rerun.compare import word_errors
from conversations.rerun.engines import choose
from inference.audio.opus import decode_opus
from inference.ports import Engines
from inference.types import STT_RATE

FORMAT = "avatar turn 1"
TURN, CONTEXT = "turn.json", "context.jsonl"


class StoredFact(msgspec.Struct, frozen=True):
    """A fact in the version it was recorded in, its words in clear."""

    type: str
    version: int
    turn_id: str
    payload: dict[str, Any]


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the user said or wrote. ``sound`` names a file of the folder, empty for what was typed."""

    item_id: str
    text: str
    sound: str = ""
    duration_ms: int = 0
    language: str = ""
    confidence: float = 0.0
    model: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the session was set to. Its instructions are not recorded: empty means the default ones."""

    language: str = ""
    model: str = ""
    voice: str = ""
    instructions: str = ""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of the turn then."""

    generated: str = ""
    heard: str = ""
    status: str = ""
    error_code: str = ""
    failed_transcription: str = ""
    waterfall: TurnMeasured | None = None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the test asks for; change it to what should have happened."""

    transcript: str
    word_error_rate: float = 0.25
    """At most so much of the transcript may differ."""
    answered: bool = True
    """The answer has words, and no step of it failed."""
    reply_has: tuple[str, ...] = ()
    """Words that the answer must hold, in any case of letters."""
    first_audio_ms: float | None = None
    """From the words being known to the first sound, at most; None: not asked."""


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """``turn.json``."""

    format: str = FORMAT
    conversation_id: str
    turn_id: str
    number: int
    session: Session
    said: tuple[Utterance, ...]
    recorded: Recorded
    expected: Expected


class Replayed(msgspec.Struct, frozen=True):
    """What the engines of now make of it."""

    transcript: str
    word_errors: int
    words: int
    answer: Answer


def load(folder: Path) -> Fixture:
    """Raises `msgspec.ValidationError`, `OSError`."""
    return msgspec.json.decode((folder / TURN).read_bytes(), type=Fixture)


def context(folder: Path) -> tuple[HistoryItem, ...]:
    """The conversation before the turn, as it was heard."""
    history = History()
    for line in (folder / CONTEXT).read_bytes().splitlines():
        stored = msgspec.json.decode(line, type=StoredFact)
        history.apply(decode_fact(stored.type, stored.version, stored.payload, redacted=True), stored.turn_id)
    return history.items()


async def replay(folder: Path, engines: Engines) -> Replayed:
    """Transcribes the turn's sounds and answers them, in their context. Raises `inference.errors.EngineError`."""
    fixture = load(folder)
    heard = [await _hear(folder, fixture, said, engines) for said in fixture.said]
    transcript = "\n".join(text for text, _ in heard if text)
    language = next((told for _, told in reversed(heard) if told), "") or language_of_text(transcript) or "en"
    session = fixture.session
    status = await engines.status()
    offer = Offer.of(status, settings.INFERENCE.tts_voice)
    manner = Manner(
        model=choose(status, "", "").model,
        voice=session.voice,
        instructions=session.instructions,
        spoken_answer_s=Limits.from_environment().spoken_answer_s,
    )
    before = answering.context(context(folder), Window(), manner.instructions, offer, language)
    now = (message for item in _items(fixture, heard) if (message := answering.message_of(item)) is not None)
    made = answering.plan((*before, *now), manner, offer, language=language, spoken=True)
    wrong, words = word_errors(fixture.expected.transcript, transcript, language)
    return Replayed(transcript, wrong, words, await answering.answer(engines, made))


def faults(expected: Expected, replayed: Replayed) -> list[str]:
    """What is not as it should be, for a person to read."""
    found = []
    answer = replayed.answer
    if replayed.word_errors > expected.word_error_rate * max(replayed.words, 1):
        found.append(
            f"heard {replayed.transcript!r} for {expected.transcript!r}: "
            f"{replayed.word_errors} of {replayed.words} words differ"
        )
    if expected.answered and answer.fault is not None:
        found.append(f"the answer failed: {answer.fault.code}: {answer.fault.message}")
    if expected.answered and not answer.generated.strip():
        found.append("nothing was answered")
    missing = [word for word in expected.reply_has if word.lower() not in answer.generated.lower()]
    if missing:
        found.append(f"the answer {answer.generated!r} has no {', '.join(missing)}")
    if expected.first_audio_ms is not None and (answer.first_audio_ms or float("inf")) > expected.first_audio_ms:
        found.append(f"the first sound came after {answer.first_audio_ms} ms, not {expected.first_audio_ms}")
    return found


async def _hear(folder: Path, fixture: Fixture, said: Utterance, engines: Engines) -> tuple[str, str]:
    """Words and their language."""
    if not said.sound:
        return said.text, said.language
    pcm = decode_opus((folder / said.sound).read_bytes(), rate=STT_RATE)
    heard = await engines.transcribe(pcm + SILENCE_AFTER, language=fixture.session.language or None)
    return heard.text, heard.language


def _items(fixture: Fixture, heard: Iterable[tuple[str, str]]) -> tuple[HistoryItem, ...]:
    history = History()
    for said, (text, language) in zip(fixture.said, heard, strict=True):
        if said.sound:
            history.apply(UserSpoke(item_id=said.item_id, audio_id="", duration_ms=said.duration_ms), fixture.turn_id)
            history.apply(UserTranscribed(item_id=said.item_id, text=text, language=language), fixture.turn_id)
        else:
            history.apply(UserWrote(item_id=said.item_id, text=text), fixture.turn_id)
    return history.items()
