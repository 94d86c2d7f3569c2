"""An answer being made: chat model, sentence by sentence to text-to-speech, as steps in order.

It may start before the turn is over (`Plan` in hand, nothing told to anybody): then it goes no further than the first
sentence's sound until `commit`.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

import structlog

from conversations.realtime.borrowing import Borrowed
from conversations.realtime.ready import Ready
from conversations.realtime.speaking import Origin, Taken, Voice
from conversations.realtime.steps import (
    Again,
    Fault,
    Finished,
    Marks,
    Piece,
    Plan,
    Sentence,
    Sound,
    Step,
    Voiced,
)
from conversations.realtime.thinking import Thinking
from inference.errors import EngineError, EngineUnavailable
from inference.ports import Engines
from inference.speech.normalise import speakable
from inference.types import Usage

log = structlog.get_logger(__name__)


class Generation:
    """`start` makes the steps in a task of the group given, `steps` gives them, `stop` ends the work behind them."""

    def __init__(
        self,
        engines: Engines,
        plan: Plan,
        dry_in_s: Callable[[], float] = lambda: 0.0,
        origin: Origin | None = None,
    ) -> None:
        self.plan = plan
        self.marks = Marks()
        self._engines = engines
        self._dry_in_s = dry_in_s
        self._voice = Voice(engines, plan, origin)
        self._thinking = Thinking(engines, plan, self.marks, self._write, lambda: self._voice.borrowed is not None)
        self._pieces: deque[Piece] = deque()
        self._written = asyncio.Event()
        self._speaking: Sentence | Again | None = None
        self._given: Sentence | Again | None = None
        self._given_cloned = False
        self._begun_anew = 0
        self._ready = Ready()
        self._committed = asyncio.Event()
        self._voice_failed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def text(self) -> str:
        """What the model has written so far, in whole sentences if it is spoken."""
        return self._thinking.text

    @property
    def usage(self) -> Usage | None:
        """What it has cost so far; None where the model was not asked, or has not answered."""
        return self._thinking.usage

    def start(self, group: asyncio.TaskGroup) -> "Generation":
        self._task = group.create_task(self._run(), name="generation")
        return self

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def commit(self) -> None:
        """The turn is over: make all of it."""
        self._committed.set()

    async def _run(self) -> None:
        """Ends with `stop`: until then sentences may have to be said again. Engine errors become `Fault` steps."""
        self.marks.started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._thinking.run(), name="think")
            group.create_task(self._speak() if self.plan.spoken else self._pass_on(), name="speak")

    # What is made, and who takes it

    async def steps(self) -> AsyncIterator[Step]:
        """The last is `Finished`."""
        while True:
            step = await self._ready.take()
            if isinstance(step, Sentence | Again):
                self._given, self._given_cloned = step, False
            elif isinstance(step, Voiced):
                self._given_cloned = step.made.cloned
            yield step
            if isinstance(step, Finished):
                self.stop()
                return

    def rest_of_sentence(self) -> int:
        """Bytes of sound made for the current sentence and not yet taken."""
        return self._ready.rest_of_sentence

    def say_again(self, sentences: Sequence[Again], *, unfinished: bool) -> None:
        """The voice was taken back: those sentences, and all whose sound was not taken yet, are said by another.

        ``unfinished``: of the sound that was taken some is not said.
        """
        given = self._given
        more = isinstance(self._ready.first, Sound | Voiced)
        if given is not None and (unfinished or more or self._speaking is given):
            sentences = (*(one for one in sentences if one.index != given.index), Again(given.index, given.text))
        self._pieces = deque((*sentences, *self._ready.take_back(), *self._pieces))
        self._begin_anew()

    def say_clones_again(self, *, unfinished: bool) -> bool:
        """As `say_again`, where no sound of the voice is still to be heard: what another one made stays.

        Returns whether the sentence that was given last is among those that are said again.
        """
        steps = list(self._ready)
        cloned = next((at for at, step in enumerate(steps) if isinstance(step, Voiced) and step.made.cloned), None)
        begins = [at for at, step in enumerate(steps[:cloned]) if isinstance(step, Sentence | Again)]
        more = isinstance(self._ready.first, Sound)
        given_cloned = self._given_cloned and (unfinished or more or self._speaking is self._given)
        if given_cloned or (cloned is not None and not begins):
            self.say_again((), unfinished=unfinished)
            return True
        if cloned is not None:
            self._pieces.extendleft(reversed(self._ready.take_back(begins[-1])))
            self._begin_anew()
        return False

    def _begin_anew(self) -> None:
        self._begun_anew += 1
        self._written.set()

    # What is still to be told

    def _write(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._written.set()

    async def _pass_on(self) -> None:
        while True:
            self._ready.put(await self._next())

    async def _next(self) -> Piece:
        """What is to be told next, once it may be made."""
        while True:
            while not self._pieces:
                self._written.clear()
                await self._written.wait()
            piece = self._pieces[0]
            if isinstance(piece, Sentence | Again) and piece.index:
                await self._committed.wait()
                await self._ready.room()
            if self._pieces and self._pieces[0] is piece:  # else something comes before it by now
                return self._pieces.popleft()

    # Sound

    async def _speak(self) -> None:
        if self.plan.voiceless is not None:
            self._voice_failed = True
            self._ready.put(self.plan.voiceless)
        while True:
            piece = await self._next()
            self._ready.put(piece)
            if isinstance(piece, Sentence | Again):
                self._speaking = piece
                await self._speak_sentence(piece)
                self._speaking = None

    async def _speak_sentence(self, sentence: Sentence | Again) -> None:
        """A sentence that breaks off is said once more: by the host's own voice if the voice was borrowed."""
        words = speakable(sentence.text, self.plan.language)
        if not words or self._voice_failed:
            return
        borrowed = self._voice.borrowed
        try:
            if not await self._said(sentence.index, words, borrowed):
                self._unsay(sentence)
                await self._said(sentence.index, words, None, again=True)
        except EngineError as error:
            log.warning("speech_failed", code=error.code, permanent=error.permanent)
            # The words still go out as text; when the engine is away, later sentences do not wait for it again.
            self._voice_failed = isinstance(error, EngineUnavailable)
            self._ready.put(Fault(f"speech_{error.code}", error.message, fatal=False))

    async def _said(self, index: int, words: str, borrowed: Borrowed | None, *, again: bool = False) -> bool:
        """False when it is to be said once more: it broke off, or the borrowed voice cannot speak (any more)."""
        due_in_s = 0.0 if index == 0 or again else max(0.0, self._ready.sound_s + self._dry_in_s())
        self.marks.speech_asked = self.marks.speech_asked or time.monotonic()
        sounded, anew = False, self._begun_anew
        try:
            async with aclosing(self._voice.say(index, words, due_in_s=due_in_s, borrowed=borrowed)) as steps:
                async for step in steps:
                    if anew != self._begun_anew:
                        return True
                    if isinstance(step, Sound):
                        sounded = True
                        self.marks.first_sound = self.marks.first_sound or time.monotonic()
                    else:
                        self.marks.made = self.marks.made or step.made
                    self._ready.put(step)
        except Taken:
            return anew != self._begun_anew  # then `say_again` has put it before what is to be said next
        except EngineError as error:
            if again or (borrowed is None and (not sounded or error.permanent)):
                raise
            log.warning("sentence_broke_off", code=error.code, sounded=sounded, borrowed=borrowed is not None)
            return False
        return True

    def _unsay(self, sentence: Sentence | Again) -> None:
        """What was made of it and not taken yet is not said; then it begins anew."""
        self._ready.take_back_sound()
        self._ready.put(Again(sentence.index, sentence.text))
