"""An answer being made: chat model, sentence by sentence to text-to-speech, as steps in order.

It may start before the turn is over (`Plan` in hand, nothing told to anybody): then it goes no further than the first
sentence's sound until `commit`.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import msgspec
import structlog

from conversations.realtime.patience import patiently
from conversations.realtime.playback import seconds
from inference.errors import ContextTooLong, EngineError, EngineUnavailable
from inference.ports import Engines
from inference.speech.normalise import speakable
from inference.speech.phrases import PhraseKey, phrase
from inference.speech.sentences import SentenceSplitter
from inference.types import ChatRequest, ToolCallDelta, Usage

log = structlog.get_logger(__name__)
AHEAD_S = 8.0
"""Sound made ahead of what is sent; beyond it text-to-speech waits (up to one sentence more)."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer to, and how."""

    request: ChatRequest
    spoken: bool
    language: str
    voice: str
    speed: float = 1.0
    voiceless: bool = False
    """No voice has the language: the words are told, and are not spoken."""
    enough: int | None = None
    """A spoken answer ends with the sentence that reaches this many `units` ..."""
    most: int | None = None
    """... and before one that would pass this many. None lets the model say all it has."""
    script: str = ""
    """Said instead of asking the chat model."""
    fault: "Fault | None" = None
    """Known to fail before the model is asked: its honest sentence is all that is said."""


class Text(msgspec.Struct, frozen=True):
    """Text as the model writes it (text answers)."""

    text: str


class Sentence(msgspec.Struct, frozen=True):
    """A sentence whose sound follows (spoken answers)."""

    index: int
    text: str


class Sound(msgspec.Struct, frozen=True):
    pcm: bytes


class ToolPiece(msgspec.Struct, frozen=True):
    delta: ToolCallDelta


class Fault(msgspec.Struct, frozen=True):
    """Something failed; the answer goes on with what can be said. ``spoken`` is the honest sentence that follows."""

    code: str
    message: str
    spoken: str = ""
    fatal: bool = True


class Finished(msgspec.Struct, frozen=True):
    reason: str
    usage: Usage | None = None


Step = Text | Sentence | Sound | ToolPiece | Fault | Finished
_Piece = str | ToolPiece | Fault | Finished


def units(text: str) -> int:
    """Length as it sounds: a Chinese character takes about as long as four Latin letters."""
    return sum(4 if "\u3040" <= character <= "\u9fff" else 1 for character in text)


class Marks(msgspec.Struct):
    """When things happened, on the monotonic clock; 0 where they did not."""

    started: float = 0.0
    first_token: float = 0.0
    first_sentence: float = 0.0
    speech_asked: float = 0.0
    first_sound: float = 0.0


class Generation:
    """`start` makes the steps in a task of the group given, `steps` gives them, `stop` ends the work behind them."""

    def __init__(self, engines: Engines, plan: Plan, dry_in_s: Callable[[], float] = lambda: 0.0) -> None:
        self.plan = plan
        self.marks = Marks()
        self.text = ""
        """What the model has written so far, in whole sentences if it is spoken."""
        self._engines = engines
        self._dry_in_s = dry_in_s
        self._pieces: asyncio.Queue[_Piece] = asyncio.Queue()
        self._steps: deque[Step] = deque()
        self._more = asyncio.Event()
        self._committed = asyncio.Event()
        self._waiting_s = 0.0
        self._room = asyncio.Event()
        self._room.set()
        self._voice_failed = False
        self._said_enough = False
        self._task: asyncio.Task[None] | None = None

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
        """Ends after the `Finished` step. Engine errors become `Fault` steps."""
        self.marks.started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._think(), name="think")
            group.create_task(self._speak() if self.plan.spoken else self._pass_on(), name="speak")

    def rest_of_sentence(self) -> int:
        """Bytes of sound made for the current sentence and not yet taken."""
        total = 0
        for step in self._steps:
            if not isinstance(step, Sound):
                break
            total += len(step.pcm)
        return total

    def _put(self, step: Step) -> None:
        self._steps.append(step)
        self._more.set()

    async def steps(self) -> AsyncIterator[Step]:
        while True:
            while not self._steps:
                self._more.clear()
                await self._more.wait()
            step = self._steps.popleft()
            if isinstance(step, Sound):
                self._waiting_s -= seconds(len(step.pcm))
                if self._waiting_s < AHEAD_S:
                    self._room.set()
            yield step
            if isinstance(step, Finished):
                return

    async def _think(self) -> None:
        """Bounded by the request's ``max_tokens``: the model writes to its end and leaves its place to others."""
        if self.plan.fault is not None or self.plan.script:
            if self.plan.fault is not None:
                self._say(self.plan.fault)
            else:
                self._piece(self.plan.script)
            self._pieces.put_nowait(Finished("stop"))
            return
        splitter = SentenceSplitter(self.plan.language or "en")
        called = False
        usage: Usage | None = None
        reason = "stop"
        try:
            # Leaving the block stops the model.
            async with aclosing(patiently(lambda: self._engines.chat(self.plan.request, due_in_s=0.0))) as stream:
                async for delta in stream:
                    self.marks.first_token = self.marks.first_token or time.monotonic()
                    called = called or bool(delta.tool_calls)
                    usage = delta.usage or usage
                    reason = delta.finish_reason or reason
                    self._take(delta.text, splitter)
                    for call in delta.tool_calls:
                        self._pieces.put_nowait(ToolPiece(call))
                    if self._said_enough:
                        break
        except EngineError as error:
            log.warning("chat_failed", code=error.code, permanent=error.permanent)
            self._finish_text(splitter)
            self._fault(error.code, error.message, _excuse(error))
        else:
            self._finish_text(splitter)
            if not self.text.strip() and not called:
                self._fault("empty_answer", "The chat model answered nothing.", "no_answer", fatal=False)
        self._pieces.put_nowait(Finished(reason, usage))

    def _take(self, text: str, splitter: SentenceSplitter) -> None:
        for piece in splitter.feed(text) if self.plan.spoken else (text,):
            self._add(piece)

    def _add(self, piece: str) -> None:
        plan, said = self.plan, units(self.text)
        if plan.most is not None and said and said + units(piece) > plan.most:
            self._said_enough = True
        if piece and not self._said_enough:
            self.text += piece
            self._piece(piece)
            self._said_enough = plan.enough is not None and units(self.text) >= plan.enough

    def _finish_text(self, splitter: SentenceSplitter) -> None:
        if self.plan.spoken:
            for piece in splitter.flush():
                self._add(piece)

    def _piece(self, text: str) -> None:
        self.marks.first_sentence = self.marks.first_sentence or time.monotonic()
        self._pieces.put_nowait(text)

    def _fault(self, code: str, message: str, kind: PhraseKey, *, fatal: bool = True) -> None:
        self._say(Fault(code, message, phrase(kind, self.plan.language), fatal))

    def _say(self, fault: Fault) -> None:
        self._pieces.put_nowait(fault)
        self._piece(f" {fault.spoken}" if self.text and not self.text[-1].isspace() else fault.spoken)

    async def _pass_on(self) -> None:
        while True:
            piece = await self._pieces.get()
            self._put(Text(piece) if isinstance(piece, str) else piece)
            if isinstance(piece, Finished):
                return

    async def _speak(self) -> None:
        index = 0
        if self.plan.voiceless:
            self._voice_failed = True
            message = f"No voice speaks {self.plan.language}: the answer is text only."
            self._put(Fault("language_not_spoken", message, fatal=False))
        while True:
            piece = await self._pieces.get()
            if not isinstance(piece, str):
                self._put(piece)
                if isinstance(piece, Finished):
                    return
                continue
            if index:
                await self._committed.wait()
                await self._room.wait()
            self._put(Sentence(index, piece))
            await self._speak_sentence(index, piece)
            index += 1

    async def _speak_sentence(self, index: int, text: str) -> None:
        words = speakable(text, self.plan.language)
        if not words or self._voice_failed:
            return
        plan = self.plan
        due_in_s = 0.0 if index == 0 else max(0.0, self._waiting_s + self._dry_in_s())
        self.marks.speech_asked = self.marks.speech_asked or time.monotonic()
        try:
            stream = patiently(
                lambda: self._engines.speak(
                    words, voice=plan.voice, language=plan.language, speed=plan.speed, due_in_s=due_in_s
                ),
                patience_s=20.0 if index == 0 else 5.0,
            )
            async for pcm in stream:
                self._sound(pcm)
        except EngineError as error:
            log.warning("speech_failed", code=error.code, permanent=error.permanent)
            # The words still go out as text; when the engine is away, later sentences do not wait for it again.
            self._voice_failed = isinstance(error, EngineUnavailable)
            self._put(Fault(f"speech_{error.code}", error.message, fatal=False))

    def _sound(self, pcm: bytes) -> None:
        if not pcm:
            return
        self.marks.first_sound = self.marks.first_sound or time.monotonic()
        self._waiting_s += seconds(len(pcm))
        if self._waiting_s >= AHEAD_S:
            self._room.clear()
        self._put(Sound(pcm))


def _excuse(error: EngineError) -> PhraseKey:
    if isinstance(error, ContextTooLong):
        return "context_full"
    return "engine_starting" if isinstance(error, EngineUnavailable) else "engine_failed"
