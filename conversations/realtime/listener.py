"""What the listener has heard of the answers: by the playback clock, or as the client says."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from conversations.events import Fact, ReplyHeard
from conversations.realtime import extras as ex
from conversations.realtime.borrowing import Borrowed
from conversations.realtime.heard import SpokenAnswer
from conversations.realtime.live import Live
from conversations.realtime.playback import PlaybackClock, seconds
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import Message, OutputAudio

KEPT_ANSWERS = 64
"""Answers that a client may still truncate; older ones have long been heard."""
KEPT_SOUNDS = 2
"""Answers whose sound is still in memory, if it has been stored."""
Source = Literal["client", "playback_clock", "text"]


class Microphone(Protocol):
    """The side that must know what comes out of the loudspeaker."""

    def now_ms(self) -> float:
        """Microphone clock."""

    def answer_playing(self, playing: bool) -> None: ...

    def played(self, pcm: bytes, at_ms: int) -> None: ...


class Listener:
    """Follows the sound of all answers of a session."""

    def __init__(self, live: Live) -> None:
        self.clock = PlaybackClock()
        self.microphone: Microphone | None = None
        self._live = live
        self._answers: OrderedDict[str, SpokenAnswer] = OrderedDict()
        self._open: set[str] = set()
        """Answers of which more may be sent."""
        self._reference_end_ms = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._storing: set[asyncio.Task[None]] = set()

    def sounding(self, answer: SpokenAnswer, pcm: bytes, in_s: float) -> None:
        """Sound of the answer goes out, to be heard in ``in_s`` seconds."""
        if answer.offset_s is None:
            answer.offset_s = self.clock.sent_s - seconds(len(pcm))
            self._answers[answer.item_id] = answer
            self._open.add(answer.item_id)
            self._forget_old()
        answer.sounds(len(pcm), in_s)
        if self.microphone is not None:
            # Sound that follows without a gap follows in the reference too, whatever the timers' jitter.
            at_ms = self._reference_end_ms if in_s > 0 else self.microphone.now_ms()
            self.microphone.answer_playing(True)
            self.microphone.played(pcm, round(at_ms))
            self._reference_end_ms = at_ms + seconds(len(pcm)) * 1000
        if self._watch is None:
            self._watch = self._live.start(self._listen_out(), "listener")

    def said(self, answer: SpokenAnswer) -> None:
        """No more of the answer will be sent."""
        self._open.discard(answer.item_id)
        if answer.offset_s is None and answer.text and not answer.settled:
            # A text answer, or words for which there was no voice: read, if not heard.
            self._settle(answer, 0, "text", text=answer.text, complete=True)

    def unheard(self, voice: Borrowed) -> SpokenAnswer | None:
        """An answer of which the listener's player still has sound in that voice (not what stands in for it)."""
        if self.clock.ahead_s <= 0:
            return None
        heard_s = self.clock.heard_s
        said = (answer for answer in self._answers.values() if not answer.settled and answer.borrowed is voice)
        return next((answer for answer in said if answer.cloned_after(answer.heard_ms(heard_s))), None)

    def cut(self, but: Sequence[SpokenAnswer | None] = ()) -> None:
        """The listener's player is being emptied now. What they have heard is settled, ``but`` for what goes on."""
        heard_s = self.clock.heard_s
        for answer in self._answers.values():
            if not answer.settled and not any(answer is one for one in but):
                self._settle(answer, answer.heard_ms(heard_s), "playback_clock")
        self.clock.flushed()
        if self.microphone is not None:
            now_ms = self.microphone.now_ms()
            self.microphone.played(b"", round(now_ms))
            self._reference_end_ms = now_ms
            self.microphone.answer_playing(False)

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """The client says how far it has played; raises `ProtocolError` when that cannot be."""
        entry = self._live.conversation.get(item_id)
        answer = self._answers.get(item_id)
        if content_index != 0:
            raise ProtocolError("invalid_value", "An answer has one content part, number 0.", "content_index")
        if answer is None:
            raise ProtocolError("invalid_value", "Only sound that was sent can be truncated.", "item_id")
        if audio_end_ms > answer.sent_ms:
            text = f"Only {answer.sent_ms} ms of this item were sent, fewer than {audio_end_ms} ms."
            raise ProtocolError("invalid_value", text, "audio_end_ms")
        text = answer.text_until(audio_end_ms)
        event = ev.ItemTruncated(item_id=item_id, content_index=0, audio_end_ms=audio_end_ms)
        if isinstance(entry.item, Message):
            content = (OutputAudio(transcript=text),)
            entry.item = Message(id=entry.id, role="assistant", status=entry.item.status, content=content)
        complete = audio_end_ms >= answer.sent_ms and answer.whole
        self._settle(answer, audio_end_ms, "client", text=text, complete=complete, event=event)

    def sound_of(self, item_id: str) -> bytes:
        """The sound sent for an answer, as far as it is still at hand."""
        answer = self._answers.get(item_id)
        return answer.sound_until(answer.sent_ms) if answer is not None else b""

    async def settled(self) -> None:
        """The session ends: what was heard until now is recorded."""
        self.cut()
        if self._storing:
            await asyncio.wait(self._storing)

    async def _listen_out(self) -> None:
        """Lives while there is sound on its way; notes each answer that has been heard to its end."""
        while self._open or self.clock.ahead_s > 0:
            await asyncio.sleep(self.clock.ahead_s or 0.05)
            heard_s = self.clock.heard_s
            for answer in list(self._answers.values()):
                heard_ms = answer.heard_ms(heard_s + 0.001)
                if not answer.settled and answer.item_id not in self._open and heard_ms >= answer.sent_ms:
                    self._settle(answer, answer.sent_ms, "playback_clock")
        self._watch = None
        if self.microphone is not None:
            self.microphone.answer_playing(False)

    def _settle(
        self,
        answer: SpokenAnswer,
        audio_ms: int,
        source: Source,
        *,
        text: str | None = None,
        complete: bool | None = None,
        event: ev.ServerEvent | None = None,
    ) -> None:
        answer.settled = True
        text = answer.text_until(audio_ms) if text is None else text
        complete = (audio_ms >= answer.sent_ms and answer.whole) if complete is None else complete
        if answer.item_id in self._live.conversation:
            self._live.conversation.get(answer.item_id).heard = None if complete else text
        self._live.extras.tell(
            lambda: ex.Heard(item_id=answer.item_id, audio_ms=audio_ms, complete=complete, source=source)
        )
        if not answer.recorded:
            if event is not None:
                self._live.outbox.emit(event)
            return
        fact = ReplyHeard(
            response_id=answer.response_id,
            item_id=answer.item_id,
            text=text,
            audio_ms=audio_ms,
            source=source,
            complete=complete,
            began_at_ms=answer.began_at_ms,
            pauses=answer.pauses_until(audio_ms),
        )
        task = self._live.start(self._store(answer, fact, event), "heard")
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def _store(self, answer: SpokenAnswer, fact: ReplyHeard, event: ev.ServerEvent | None) -> None:
        """Sound first, all that was sent of it; then the fact that names it, then what is said of it."""
        async with answer.storing:
            sound = answer.sound_until(answer.sent_ms)
            if answer.stored_ms is None and sound:
                answer.audio_id = await self._live.record.save_audio(answer.turn_id, sound)
                answer.stored_ms = round(seconds(len(sound)) * 1000)
        stored = msgspec.structs.replace(fact, audio_id=answer.audio_id, sound_ms=answer.stored_ms)
        facts: tuple[Fact, ...] = (stored,)
        events = () if event is None else (event,)
        self._live.outbox.emit(*events, facts=facts, turn_id=answer.turn_id)

    def _forget_old(self) -> None:
        while len(self._answers) > KEPT_ANSWERS:
            self._answers.popitem(last=False)
        for answer in list(self._answers.values())[:-KEPT_SOUNDS]:
            if answer.stored_ms is not None or not answer.recorded:
                answer.forget_sound()
