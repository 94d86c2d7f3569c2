"""One answer: the steps of its generation told to the client in the protocol's order and at the listener's pace."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from conversations.events import Fact, ReplyFailed, ReplyStarted
from conversations.failures import sentence
from conversations.realtime.borrowing import Borrowed
from conversations.realtime.generation import Generation
from conversations.realtime.heard import SpokenAnswer
from conversations.realtime.outcome import Outcome
from conversations.realtime.output import MessageOutput, Outputs, Place, voiced_fact
from conversations.realtime.playback import CHUNK_BYTES, Pacer
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.items import Status
from conversations.realtime.stage import Manner, Reason, Stage, resource
from conversations.realtime.steps import (
    Again,
    Fault,
    Finished,
    Marks,
    Sentence,
    Sound,
    Step,
    Text,
    ToolPiece,
    Voiced,
)
from conversations.realtime.waterfall import Turn
from inference.types import Usage

log = structlog.get_logger(__name__)


class Response:
    """`run` is a task of the session's; `cancel` ends it, and `done` is set once ``response.done`` has been said."""

    def __init__(self, place: Place, manner: Manner, turn: Turn, pacer: Pacer, stage: Stage) -> None:
        self.id = place.response_id
        self.turn = turn
        self.marks = Marks()
        self.pacer = pacer
        self.generation: Generation | None = None
        self.done = asyncio.Event()
        self._place = place
        self.manner = manner
        self._stage = stage
        self._outputs = Outputs(place)
        self._outcome = Outcome()
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._rest = b""
        self._unsent = 0
        self._taken_back = 0

    @property
    def borrowed(self) -> Borrowed | None:
        """The voice that the answer was to be given in, if it is somebody's."""
        return self.generation.plan.borrowed if self.generation is not None else None

    @property
    def in_conversation(self) -> bool:
        return self._place.recorded

    @property
    def answer(self) -> SpokenAnswer | None:
        return self._outputs.message.answer if self._outputs.message is not None else None

    async def run(self, make: Callable[[], Awaitable[Generation]], after: "Response | None" = None) -> None:
        """Waits for the generation that ``make`` starts, and tells all of it, once ``after`` has told its end."""
        self._task = asyncio.current_task()
        status: ev.FinalStatus = "cancelled"
        try:
            if after is not None:
                await after.done.wait()
            if self._outcome.cancelled_for is not None:
                return
            self._begin()
            self.generation = await make()
            self.marks = self.generation.marks
            self.generation.commit()
            async for step in self.generation.steps():
                await self._take(step)
            status = self._outcome.status(self.answer)
        except asyncio.CancelledError:
            if self._outcome.cancelled_for is None:
                raise
        finally:
            if self.generation is not None:
                self.generation.stop()
            if status != "cancelled" or self._outcome.cancelled_for is not None:
                self._begin()
                self._finish(status)
            self._stage.over(self)
            self.done.set()

    def cancel(self, reason: Reason) -> None:
        """Stops chat, speech and sending at once."""
        if self._outcome.cancelled_for is not None or self.done.is_set():
            return
        self._outcome.cancelled_for = reason
        if self.generation is not None:
            self.generation.stop()
            if self.answer is not None:
                self.answer.cut(self._unsent + self.generation.rest_of_sentence())
        if self._task is not None:
            self._task.cancel()

    def take_back(self, heard_s: float) -> None:
        """The voice may not be used any more, and the player was emptied when its clock stood at ``heard_s``.

        What was not heard to the end of a sentence is said again by another voice.
        """
        generation, answer = self.generation, self.answer
        if generation is None or self.done.is_set():
            return
        unsent = self._unsent + generation.rest_of_sentence()
        again = answer.rewind(answer.heard_ms(heard_s), unsent) if answer is not None else ()
        generation.say_again([Again(index, text) for index, text in again], unfinished=self._unsent > 0)
        self._taken_back += 1
        self._rest, self._unsent = b"", 0

    def take_back_unsent(self) -> None:
        """The voice may not be used any more, and the player has no sound of it: what was sent stays."""
        if self.generation is None or self.done.is_set():
            return
        if self.generation.say_clones_again(unfinished=self._unsent > 0):
            self._taken_back += 1
            self._rest, self._unsent = b"", 0

    async def _take(self, step: Step) -> None:
        match step:
            case Text(text):
                self._open_message(spoken=False).write(text)
            case Sentence(index, text):
                message = self._open_message(spoken=True)
                self._stage.sentence(self, message.answer, index, text)
                message.sentence(text)
            case Again(index, text):
                message = self._open_message(spoken=True)
                self._rest = b""
                self._stage.sentence(self, message.answer, index, text)
                message.again(index, text)
            case Voiced():
                self._voiced(step)
            case Sound(pcm):
                await self._sound(pcm)
            case ToolPiece(delta):
                self._outputs.call(delta)
            case Fault() as fault:
                self._outcome.failed(fault)
                failed = ReplyFailed(
                    response_id=self.id, code=fault.code, message=sentence(fault.code), spoken=fault.spoken
                )
                self._emit(facts=(failed,))
            case Finished():
                self._outcome.finished = step

    async def _sound(self, pcm: bytes) -> None:
        message = self._open_message(spoken=True)
        pcm = self._rest + pcm
        whole = len(pcm) // 2 * 2
        self._rest = pcm[whole:]
        taken_back = self._taken_back
        for start in range(0, whole, CHUNK_BYTES):
            chunk = pcm[start : min(start + CHUNK_BYTES, whole)]
            self._unsent = whole - start
            await self.pacer.room()
            if taken_back != self._taken_back:
                return
            in_s = self.pacer.sent(len(chunk))
            first = not self.turn.first_sent and message.answer.offset_s is None
            self._stage.sounding(message.answer, chunk, in_s)
            message.sound(chunk, self._sent_first if first else None)
        self._unsent = 0

    def _voiced(self, voiced: Voiced) -> None:
        message = self._open_message(spoken=True)
        fact = voiced_fact(voiced, self.id, message.entry.id, self.manner.voice)
        self._emit(facts=(fact,) if fact is not None else ())
        message.voiced(cloned=voiced.made.cloned)
        self._stage.voiced(self, message.answer, voiced)

    def _sent_first(self) -> None:
        self.turn.first_sent = time.monotonic()
        self._stage.first_sound(self)

    def _open_message(self, *, spoken: bool) -> MessageOutput:
        return self._outputs.open_message(spoken=spoken, borrowed=self.borrowed)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            fact = ReplyStarted(response_id=self.id, model=self.manner.model, voice=self.manner.voice)
            self._emit(ev.ResponseCreated(response=self._body("in_progress")), facts=(fact,))

    def _finish(self, status: ev.FinalStatus) -> None:
        item_status: Status = "completed" if status in {"completed", "failed"} else "incomplete"
        self._outputs.close(item_status)
        message = self._outputs.message
        facts = self._outcome.facts(
            self.id,
            message.entry.id if message is not None else "",
            text=self.generation.text if self.generation is not None else "",
            usage=self._usage,
            status=status,
        )
        self._emit(ev.ResponseDone(response=self._body(status)), facts=facts)
        if message is not None:
            self._stage.said(message.answer)

    def _emit(self, *events: ev.ServerEvent, facts: tuple[Fact, ...] = ()) -> None:
        recorded = facts if self._place.recorded else ()
        self._place.outbox.emit(*events, facts=recorded, turn_id=self._place.turn_id)

    @property
    def _usage(self) -> Usage:
        """Of an answer that was cut off, up to there."""
        return (self.generation.usage if self.generation is not None else None) or Usage()

    def _body(self, status: ev.ResponseStatus) -> ev.ResponseBody:
        return resource(self.id, self.manner, status, self._outputs.items, self._outcome.details(status), self._usage)
