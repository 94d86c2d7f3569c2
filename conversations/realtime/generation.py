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
from conversations.realtime.playback import seconds
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
AHEAD_S = 8.0
"""Sound made ahead of what is sent; beyond it text-to-speech waits (up to one sentence more)."""


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
        self._steps: deque[Step] = deque()
        self._more = asyncio.Event()
        self._committed = asyncio.Event()
        self._waiting_s = 0.0
        self._room = asyncio.Event()
        self._room.set()
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
            while not self._steps:
                self._more.clear()
                await self._more.wait()
            step = self._steps.popleft()
            if isinstance(step, Sound):
                self._weigh(-seconds(len(step.pcm)))
            elif isinstance(step, Sentence | Again):
                self._given, self._given_cloned = step, False
            elif isinstance(step, Voiced):
                self._given_cloned = step.made.cloned
            yield step
            if isinstance(step, Finished):
                self.stop()
                return

    def rest_of_sentence(self) -> int:
        """Bytes of sound made for the current sentence and not yet taken."""
        total = 0
        for step in self._steps:
            if not isinstance(step, Sound):
                break
            total += len(step.pcm)
        return total

    def say_again(self, sentences: Sequence[Again], *, unfinished: bool) -> None:
        """The voice was taken back: those sentences, and all whose sound was not taken yet, are said by another.

        ``unfinished``: of the sound that was taken some is not said.
        """
        given = self._given
        more = bool(self._steps) and isinstance(self._steps[0], Sound | Voiced)
        if given is not None and (unfinished or more or self._speaking is given):
            sentences = (*(one for one in sentences if one.index != given.index), Again(given.index, given.text))
        made = [step for step in self._steps if not isinstance(step, Sound | Voiced)]
        self._steps.clear()
        self._pieces = deque((*sentences, *made, *self._pieces))
        self._begun_anew += 1
        self._written.set()
        self._weigh(-self._waiting_s)

    def say_clones_again(self, *, unfinished: bool) -> bool:
        """As `say_again`, where no sound of the voice is still to be heard: what another one made stays.

        Returns whether the sentence that was given last is among those that are said again.
        """
        steps = list(self._steps)
        cloned = next((at for at, step in enumerate(steps) if isinstance(step, Voiced) and step.made.cloned), None)
        begins = [at for at, step in enumerate(steps[:cloned]) if isinstance(step, Sentence | Again)]
        more = bool(steps) and isinstance(steps[0], Sound)
        given_cloned = self._given_cloned and (unfinished or more or self._speaking is self._given)
        if given_cloned or (cloned is not None and not begins):
            self.say_again((), unfinished=unfinished)
            return True
        if cloned is not None:
            self._steps = deque(steps[: begins[-1]])
            self._pieces.extendleft(
                step for step in reversed(steps[begins[-1] :]) if not isinstance(step, Sound | Voiced)
            )
            self._begun_anew += 1
            self._written.set()
            self._weigh(-sum(seconds(len(step.pcm)) for step in steps[begins[-1] :] if isinstance(step, Sound)))
        return False

    def _put(self, step: Step) -> None:
        self._steps.append(step)
        self._more.set()

    def _weigh(self, seconds_more: float) -> None:
        """Sound was made or taken: text-to-speech waits when much of it lies ready."""
        self._waiting_s += seconds_more
        if self._waiting_s < AHEAD_S:
            self._room.set()
        else:
            self._room.clear()

    # What is still to be told

    def _write(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._written.set()

    async def _pass_on(self) -> None:
        while True:
            self._put(await self._next())

    async def _next(self) -> Piece:
        """What is to be told next, once it may be made."""
        while True:
            while not self._pieces:
                self._written.clear()
                await self._written.wait()
            piece = self._pieces[0]
            if isinstance(piece, Sentence | Again) and piece.index:
                await self._committed.wait()
                await self._room.wait()
            if self._pieces and self._pieces[0] is piece:  # else something comes before it by now
                return self._pieces.popleft()

    # Sound

    async def _speak(self) -> None:
        if self.plan.voiceless is not None:
            self._voice_failed = True
            self._put(self.plan.voiceless)
        while True:
            piece = await self._next()
            self._put(piece)
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
            self._put(Fault(f"speech_{error.code}", error.message, fatal=False))

    async def _said(self, index: int, words: str, borrowed: Borrowed | None, *, again: bool = False) -> bool:
        """False when it is to be said once more: it broke off, or the borrowed voice cannot speak (any more)."""
        due_in_s = 0.0 if index == 0 or again else max(0.0, self._waiting_s + self._dry_in_s())
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
                        self._weigh(seconds(len(step.pcm)))
                    else:
                        self.marks.made = self.marks.made or step.made
                    self._put(step)
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
        while self._steps and isinstance(self._steps[-1], Sound | Voiced):
            step = self._steps.pop()
            if isinstance(step, Sound):
                self._weigh(-seconds(len(step.pcm)))
        self._put(Again(sentence.index, sentence.text))
