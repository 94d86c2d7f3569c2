"""The answer being given: one at a time in the conversation, made early where that saves the user's time."""

import msgspec
import structlog

from conversations.realtime import extras as ex
from conversations.realtime.borrowing import Borrowed
from conversations.realtime.context import Window
from conversations.realtime.generation import Generation
from conversations.realtime.heard import SpokenAnswer
from conversations.realtime.ids import new_id
from conversations.realtime.listener import Listener
from conversations.realtime.live import Live
from conversations.realtime.output import Place
from conversations.realtime.plans import manner, plan
from conversations.realtime.playback import Pacer
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.client_events import ResponseOptions
from conversations.realtime.protocol.errors import ProtocolError, muted
from conversations.realtime.reading_ahead import ReadingAhead
from conversations.realtime.response import Response
from conversations.realtime.stage import Given, Reason
from conversations.realtime.steps import Fault, Plan, Voiced
from conversations.realtime.waterfall import Turn, measured, own_share_ms
from inference.types import Transcript

log = structlog.get_logger(__name__)
MAX_OUTSIDE = 4
"""Answers outside the conversation that may be made at the same time."""


class Answering:
    """Owns the responses of a session; the `Stage` on which they appear."""

    def __init__(self, live: Live, listener: Listener) -> None:
        self._live = live
        self._listener = listener
        self._window = Window()
        self._active: Response | None = None
        self._stopping: Response | None = None
        self._outside: dict[str, Response] = {}
        self._reading_ahead = ReadingAhead(live, self._window)

    @property
    def active(self) -> Response | None:
        """The answer being given in the conversation; None once ``response.done`` is said."""
        return self._active

    @property
    def busy(self) -> bool:
        return self._active is not None or bool(self._outside) or self._listener.clock.ahead_s > 0

    def read_ahead(self) -> None:
        """The user has begun to speak: meanwhile the model reads what came before, as it was heard."""
        if self._active is None:
            self._reading_ahead.begin()

    def speculate(self, words: Transcript) -> Generation:
        """Begins the answer to words that may be the whole turn; nobody is told before it is given to `create`."""
        self._live.language = words.language
        message = {"role": "user", "content": words.text.strip()}
        made = plan(self._live, self._window, ResponseOptions(), more=(message,))
        return self._generation(made)

    def create(
        self,
        options: ResponseOptions,
        turn: Turn,
        *,
        early: Generation | None = None,
        fault: Fault | None = None,
        script: str = "",
    ) -> Response:
        """Begins an answer; raises `ProtocolError` when another is being given or too many were asked for."""
        if self._live.muted:
            raise muted()
        outside = options.conversation == "none"
        if not outside and self._active is not None:
            message = f"The answer {self._active.id} is still being given: wait for response.done, or cancel it."
            raise ProtocolError("conversation_already_has_active_response", message)
        if len(self._outside) >= MAX_OUTSIDE or not self._live.rates.responses.take():
            raise ProtocolError("rate_limit_exceeded", "Too many answers in a short time. Wait a little.")
        how = manner(self._live, options, self._live.record.conversation_id)
        conversation = None if outside else self._live.conversation
        place = Place(self._live.outbox, conversation, response_id=new_id("resp"), turn_id=turn.id)
        asked = self._live.voices.want(options.voice or self._live.settings.audio.output.voice)
        response = Response(place, how, turn, Pacer(self._listener.clock), self)
        if outside:
            self._outside[response.id] = response
        else:
            self._active = response

        async def make() -> Generation:
            if early is not None:
                return early
            if options.input is None:
                await self._live.conversation.settled()
            return self._generation(plan(self._live, self._window, options, fault=fault, script=script))

        after = None if outside else self._stopping

        async def run() -> None:
            if asked:
                await self._live.voices.settled(options.voice or self._live.settings.audio.output.voice)
                response.manner = manner(self._live, options, self._live.record.conversation_id)
            await response.run(make, after)

        self._live.start(run(), "response")
        return response

    def cancel(self, response_id: str | None = None) -> None:
        """On the client's wish; raises `ProtocolError` when there is nothing to cancel."""
        response = self._active if response_id is None else self._find(response_id)
        if response is None or response.done.is_set():
            raise ProtocolError("response_cancel_not_active", "There is no such answer being given.", "response_id")
        self._stop(response, "client_cancelled")

    def interrupt(self) -> Turn | None:
        """Speech has started: the answer ends, and what was not heard of it is not part of the conversation.

        Returns the turn whose answer ended before any of it was sent.
        """
        stopped = self._active
        if stopped is not None:
            self._stop(stopped, "turn_detected")
        self._listener.cut()
        return stopped.turn if stopped is not None and stopped.pacer.sent_s == 0 else None

    def silence(self) -> None:
        """A moderator has muted the session: every answer ends, and what is not heard yet never is."""
        for response in (self._active, *self._outside.values()):
            if response is not None:
                self._stop(response, "content_filter")
        self._listener.cut()

    def take_back(self, voice: Borrowed) -> None:
        """A borrowed voice may not be used any more: sound of it that is not heard yet never is.

        The answer goes on in another one, from the beginning of the sentence that the listener was at. Where another
        one stands in for it already, nothing breaks off.
        """
        going_on = [one for one in (self._active, *self._outside.values()) if one is not None]
        unheard = self._listener.unheard(voice)
        if unheard is None:
            for response in going_on:
                if response.borrowed is voice:
                    response.take_back_unsent()
            return
        heard_s = self._listener.clock.heard_s
        self._listener.cut(but=[one.answer for one in going_on])
        self._live.outbox.emit(ev.OutputCleared(response_id=unheard.response_id))
        for response in going_on:
            response.take_back(heard_s)

    def hold(self) -> None:
        if self._active is not None:
            self._active.pacer.hold()

    def resume(self) -> None:
        if self._active is not None:
            self._active.pacer.resume()

    async def close(self) -> None:
        """Ends all answers with the session, and waits until what was heard is recorded."""
        mine = (self._active, self._stopping, *self._outside.values())
        responses = [response for response in mine if response is not None]
        for response in responses:
            response.cancel("client_cancelled")
        for response in responses:
            await response.done.wait()
        await self._listener.settled()

    # The stage of `Response`

    def sounding(self, answer: SpokenAnswer, pcm: bytes, in_s: float) -> None:
        self._live.touched()
        self._listener.sounding(answer, pcm, in_s)

    def said(self, answer: SpokenAnswer) -> None:
        self._listener.said(answer)

    def sentence(self, response: Given, answer: SpokenAnswer, index: int, text: str) -> None:
        self._live.extras.tell(
            lambda: ex.SentenceStarted(
                response_id=response.id,
                item_id=answer.item_id,
                index=index,
                text=text,
                audio_start_ms=answer.sent_ms,
            )
        )

    def voiced(self, response: Given, answer: SpokenAnswer, voiced: Voiced) -> None:
        made = voiced.made
        self._live.extras.tell(
            lambda: ex.SpeechBy(
                response_id=response.id,
                item_id=answer.item_id,
                index=voiced.index,
                engine=made.engine,
                model=made.model,
                voice=response.manner.voice if made.cloned else made.voice,  # the host knows a sample, not its profile
                cloned=made.cloned,
                watermarked=made.watermarked,
                quality=made.quality,
                fallback=made.fallback,
            )
        )

    def first_sound(self, response: Given) -> None:
        fact = measured(response.turn, response.marks, response.id)
        own_ms = own_share_ms(response.turn, response.marks)
        steps = msgspec.structs.asdict(fact)
        log.info("answered", session=self._live.session_id, turn=response.turn.id, own_ms=own_ms, **steps)
        if response.in_conversation:
            self._live.outbox.emit(facts=(fact,), turn_id=response.turn.id)
        self._live.extras.tell(lambda: ex.as_waterfall(fact, response.turn.id, own_ms))

    def over(self, response: Given) -> None:
        self._live.touched()
        self._outside.pop(response.id, None)
        if self._active is response:
            self._active = None
        if self._stopping is response:
            self._stopping = None
        self._live.outbox.emit(self._live.rates.updated())

    # Inside

    def _generation(self, made: Plan) -> Generation:
        def dry_in_s() -> float:
            return self._listener.clock.ahead_s

        generation = Generation(self._live.engines, made, dry_in_s, self._live.origin)
        return generation.start(self._live.tasks)

    def _stop(self, response: Response, reason: Reason) -> None:
        response.cancel(reason)
        if self._active is response:
            # The next answer may be asked for at once; it says nothing before this one has said its end.
            self._active, self._stopping = None, response

    def _find(self, response_id: str) -> Response | None:
        if self._active is not None and self._active.id == response_id:
            return self._active
        return self._outside.get(response_id)
