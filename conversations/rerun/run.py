"""Running a conversation again: a fork is made turn by turn, from the recorded user and the engines chosen."""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connections
from uuid6 import uuid7

from conversations.errors import Invalid, WrongState
from conversations.log.eventlog import event_log
from conversations.models import Conversation
from conversations.realtime.config import Offer
from conversations.realtime.context import ChatMessage, Window
from conversations.realtime.limits import Limits
from conversations.realtime.plans import language_of_text
from conversations.realtime.voices import is_profile
from conversations.rerun import answering, compare
from conversations.rerun.answering import Answer, Manner
from conversations.rerun.borrowed import BorrowedVoice
from conversations.rerun.compare import Compared, Texts, Times
from conversations.rerun.engines import choose
from conversations.rerun.fork import Fork, begin, items_of
from conversations.rerun.hearing import heard_again, language_heard
from conversations.rerun.source import Source, SourceTurn, read, redacted_now
from conversations.services import burial, forks
from inference.ports import Engines

T = TypeVar("T")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What to run again, and with what. Empty means: as this server does it now."""

    conversation_id: str
    from_turn: str = ""
    """Number or id of the first turn that is answered anew; those before it are taken over. Empty: the first."""
    llm: str = ""
    voice: str = ""
    """Empty: the voice that the conversation had."""
    instructions: str = ""
    transcribe: bool = False
    """The recorded sound is transcribed again; otherwise the recorded words are taken."""


class Told(msgspec.Struct, frozen=True):
    """A turn is done: ``done`` of ``total``."""

    done: int
    total: int
    compared: Compared
    texts: Texts


Progress = Callable[[Told], object]
"""Told of each turn; returning False ends the run there."""


class Rerun:
    """One run: `prepare`, then `run`, which may be called for the same fork again after a crash: turns that are done
    stay done.

    ``actor_id``: who asked for it; empty: the operator, by command.
    """

    def __init__(self, wish: Wish, engines: Engines, *, actor_id: str, fork_id: str = "") -> None:
        self.wish = wish
        self.fork_id = fork_id
        """The conversation that is made; empty until `run` has begun it."""
        self._engines = engines
        self._actor_id = actor_id
        self._window = Window()
        self._borrowed: BorrowedVoice | None = None

    async def prepare(self) -> Source:
        """Reads what is to be run again, and checks the wish against it and against the engines.

        Raises `conversations.errors.Refused`, `inference.errors.EngineError`.
        """
        source = await event_log().read(functools.partial(read, self.wish.conversation_id))
        first_turn(source, self.wish.from_turn)
        status = await self._engines.status()
        voice = self.wish.voice or source.voice
        borrowed = (
            BorrowedVoice(voice, owner_id=source.owner_id, actor_id=self._actor_id) if is_profile(voice) else None
        )
        if borrowed is not None and self.wish.voice:
            await borrowed.check()
        self._borrowed = borrowed
        chosen = choose(status, self.wish.llm, "" if borrowed is not None else self.wish.voice)
        self._offer = Offer.of(status, settings.INFERENCE.tts_voice)
        self._manner = Manner(
            model=chosen.model,
            voice=voice,
            instructions=self.wish.instructions,
            spoken_answer_s=Limits.from_environment().spoken_answer_s,
        )
        return source

    async def run(
        self,
        source: Source,
        progress: Progress = lambda _told: None,
        *,
        begun: Callable[[str], object] = lambda _fork_id: None,
        for_s: float | None = None,
    ) -> bool:
        """Runs the turns that are not done yet; False when it ended before the last (``for_s``, or told to).

        ``begun`` is told the fork's id before it is made, and an empty one when it could not be made. Both callbacks
        may block (they are called in a thread).
        """
        until = time.monotonic() + for_s if for_s is not None else None
        first = first_turn(source, self.wish.from_turn)
        await in_thread(functools.partial(self._begin, source, first, begun))
        fork = Fork(self.fork_id, source, self._manner, actor_id=self._actor_id)
        done = await fork.done()
        turns = source.turns[first - 1 :]
        for number, turn in enumerate(turns, start=1):
            if turn.turn_id in done:
                continue
            if until is not None and time.monotonic() >= until:
                return False
            compared, texts = await self._turn(source, turn, fork)
            told = Told(number, len(turns), compared, texts)
            if await in_thread(functools.partial(progress, told)) is False:
                return False
        return True

    def _begin(self, source: Source, first: int, begun: Callable[[str], object]) -> None:
        """Makes the fork unless it is there. Its id is told first: a kill in the middle leaves nothing nobody knows."""
        if self.fork_id:
            if forks.is_whole(self.fork_id):
                return
            if Conversation.objects.filter(id=self.fork_id).exists():
                burial.bury(UUID(self.fork_id), reason="fork_failed")
        self.fork_id = str(uuid7())
        begun(self.fork_id)
        try:
            begin(source, first, actor_id=self._actor_id, fork_id=self.fork_id)
        except BaseException:
            begun("")
            raise

    async def _turn(self, source: Source, turn: SourceTurn, fork: Fork) -> tuple[Compared, Texts]:
        compared = Compared(
            number=turn.number,
            turn_id=turn.turn_id,
            then=compare.recorded_times(turn.measured),
            failed_then=turn.status == "failed",
        )
        redacted = await event_log().read(functools.partial(redacted_now, source.conversation_id, turn))
        if redacted or not turn.words:
            compared.skipped = "redacted" if redacted else "no words"
            return compared, Texts()
        said, transcript_ms = list(turn.said.values()), None
        if self.wish.transcribe:
            said, transcript_ms = await heard_again(self._engines, source, said)
        fork_items = items_of(turn, said)
        words = "\n".join(item.text for item in fork_items if item.text)
        language = language_heard(said) or language_of_text(words) or source.language or "en"
        answer = await self._answer(fork, turn, tuple(map(answering.message_of, fork_items)), language)
        try:
            await fork.append(turn, said, answer, transcript_ms)
        except WrongState:
            if not await event_log().read(functools.partial(redacted_now, source.conversation_id, turn)):
                raise
            compared.skipped = "redacted"
            return compared, Texts()
        self._compare(compared, turn, words, answer, language, transcript_ms)
        return compared, Texts(turn.words, words, turn.heard, "".join(answer.sentences).strip())

    async def _answer(
        self, fork: Fork, turn: SourceTurn, more: tuple[ChatMessage | None, ...], language: str
    ) -> Answer:
        said_before, told = await fork.record.history(), self._manner.instructions
        before = answering.context(said_before, self._window, told, self._offer, language)
        messages = (*before, *(message for message in more if message is not None))
        spoken = turn.heard_as != "text"
        if self._borrowed is None or not spoken:
            made = answering.plan(messages, self._manner, self._offer, language=language, spoken=spoken)
            return await answering.answer(self._engines, made)
        origin = functools.partial(self._borrowed.origin, fork.record.conversation_id)
        async with self._borrowed.lent() as voice:
            manner = msgspec.structs.replace(self._manner, borrowed=voice)
            made = answering.plan(messages, manner, self._offer, language=language, spoken=True)
            return await answering.answer(self._engines, made, origin)

    def _compare(
        self,
        compared: Compared,
        turn: SourceTurn,
        words: str,
        answer: Answer,
        language: str,
        transcript_ms: float | None,
    ) -> None:
        compared.now = Times(answer.first_token_ms, answer.first_sentence_ms, answer.first_audio_ms, transcript_ms)
        compared.error = answer.fault.code if answer.fault is not None else ""
        if transcript_ms is not None:
            compared.edits, compared.words = compare.word_errors(turn.words, words, language)
        if turn.generated and not compared.error:
            compared.similarity = compare.similarity(turn.generated, answer.generated, language)


def first_turn(source: Source, wanted: str) -> int:
    """The number of the first turn to run again. Raises `Invalid`."""
    if not wanted:
        return 1
    turn = source.turn(wanted)
    if turn is None:
        raise Invalid(f"There is no turn {wanted}; the conversation has {len(source.turns)}.")
    return turn.number


async def in_thread(work: Callable[[], T]) -> T:
    """Blocking work that may take longer than the log's own calls, with a database connection of its own."""

    def closing() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(closing)
