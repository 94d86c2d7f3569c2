"""The items of an answer, told to the client in the protocol's order."""

import base64
from collections.abc import Callable
from typing import TypedDict

from conversations.events import ReplySpoken, ReplyVoiced, ToolCalled
from conversations.realtime.borrowing import Borrowed
from conversations.realtime.heard import SpokenAnswer
from conversations.realtime.ids import new_id
from conversations.realtime.items import Conversation, Entry
from conversations.realtime.outbox import Outbox
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.items import FunctionCall, Item, Message, OutputAudio, OutputText, Status
from conversations.realtime.steps import Voiced
from inference.types import ToolCallDelta


def voiced_fact(voiced: Voiced, response_id: str, item_id: str, asked: str) -> ReplyVoiced | None:
    """Recorded where it is not the host's own voice that was asked for: the record says whose voice it was not."""
    made = voiced.made
    if not made.cloned and not made.fallback:
        return None
    return ReplyVoiced(
        response_id=response_id,
        item_id=item_id,
        index=voiced.index,
        engine=made.engine,
        model=made.model,
        voice=made.voice,
        cloned=made.cloned,
        watermarked=made.watermarked,
        fallback=made.fallback,
        quality=made.quality,
        utterance_id=voiced.utterance_id,
        asked=asked,
    )


class Place:
    """Where an answer's items go: the wire, and the conversation unless the answer is outside of it."""

    def __init__(self, outbox: Outbox, conversation: Conversation | None, *, response_id: str, turn_id: str) -> None:
        self.outbox = outbox
        self.conversation = conversation
        self.response_id = response_id
        self.turn_id = turn_id

    @property
    def recorded(self) -> bool:
        return self.conversation is not None

    def added(self, item: Item, output_index: int) -> Entry:
        entry = Entry(item=item, turn_id=self.turn_id, live=True)
        entry.settled.set()
        self.outbox.emit(ev.OutputItemAdded(response_id=self.response_id, output_index=output_index, item=item))
        if self.conversation is not None:
            previous = self.conversation.add(entry)
            self.outbox.emit(ev.ItemAdded(item=item, previous_item_id=previous))
        return entry

    def done(self, entry: Entry, output_index: int) -> None:
        entry.live = False
        self.outbox.emit(ev.OutputItemDone(response_id=self.response_id, output_index=output_index, item=entry.item))
        if self.conversation is not None and entry.id in self.conversation:
            previous = self.conversation.previous(entry.id)
            self.outbox.emit(ev.ItemDone(item=entry.item, previous_item_id=previous))


class _Here(TypedDict):
    response_id: str
    item_id: str
    output_index: int


class MessageOutput:
    """An assistant's message: sentences with sound, or text."""

    def __init__(self, place: Place, index: int, *, spoken: bool) -> None:
        self.place = place
        self.index = index
        self.spoken = spoken
        self.text = ""
        item = Message(id=new_id("item"), role="assistant", status="in_progress")
        self.entry = place.added(item, index)
        self.answer = SpokenAnswer(
            item_id=self.entry.id, response_id=place.response_id, turn_id=place.turn_id, recorded=place.recorded
        )
        part = ev.Part(type="audio", transcript="") if spoken else ev.Part(type="text", text="")
        place.outbox.emit(ev.ContentPartAdded(**self._here, part=part))

    @property
    def _here(self) -> _Here:
        return {"response_id": self.place.response_id, "item_id": self.entry.id, "output_index": self.index}

    def write(self, text: str) -> None:
        """Text of a text answer."""
        self.text += text
        self.place.outbox.emit(ev.TextDelta(**self._here, delta=text))

    def sentence(self, text: str) -> None:
        """A sentence, recorded before its sound may go out."""
        index = self.answer.sentences
        self.answer.begin(text)
        self.text += text
        facts = (self._spoken(index, text),) if self.place.recorded else ()
        event = ev.AudioTranscriptDelta(**self._here, delta=text)
        self.place.outbox.emit(event, facts=facts, turn_id=self.place.turn_id)

    def again(self, index: int, text: str) -> None:
        """A sentence that was told of, and whose sound comes once more from its beginning."""
        self.answer.again(index, text)

    def voiced(self, *, cloned: bool) -> None:
        """Who speaks the sentence that follows."""
        self.answer.voiced(cloned=cloned)

    def sound(self, pcm: bytes, sent: Callable[[], None] | None = None) -> None:
        self.answer.sent(pcm)
        delta = base64.b64encode(pcm).decode()
        self.place.outbox.emit(ev.AudioDelta(**self._here, delta=delta), sent=sent)

    def close(self, status: Status) -> None:
        """Ends the message with what was said of it."""
        emit = self.place.outbox.emit
        if self.spoken:
            emit(ev.AudioDone(**self._here), ev.AudioTranscriptDone(**self._here, transcript=self.text))
            part = ev.Part(type="audio", transcript=self.text)
            content: OutputAudio | OutputText = OutputAudio(transcript=self.text)
        else:
            facts = (self._spoken(0, self.text),) if self.place.recorded and self.text else ()
            emit(ev.TextDone(**self._here, text=self.text), facts=facts, turn_id=self.place.turn_id)
            part = ev.Part(type="text", text=self.text)
            content = OutputText(self.text)
        emit(ev.ContentPartDone(**self._here, part=part))
        self.entry.item = Message(id=self.entry.id, role="assistant", status=status, content=(content,))
        self.place.done(self.entry, self.index)

    def _spoken(self, index: int, text: str) -> ReplySpoken:
        return ReplySpoken(response_id=self.place.response_id, item_id=self.entry.id, index=index, text=text)


class CallOutput:
    """A function call."""

    def __init__(self, place: Place, index: int, *, name: str, call_id: str) -> None:
        self.place = place
        self.index = index
        self.name = name
        self.call_id = call_id
        self.arguments = ""
        item = FunctionCall(id=new_id("item"), name=name, arguments="", call_id=call_id, status="in_progress")
        self.entry = place.added(item, index)

    @property
    def _here(self) -> _Here:
        return {"response_id": self.place.response_id, "item_id": self.entry.id, "output_index": self.index}

    def write(self, arguments: str) -> None:
        self.arguments += arguments
        self.place.outbox.emit(ev.ArgumentsDelta(**self._here, call_id=self.call_id, delta=arguments))

    def close(self, status: Status) -> None:
        fact = ToolCalled(
            response_id=self.place.response_id,
            item_id=self.entry.id,
            call_id=self.call_id,
            name=self.name,
            arguments=self.arguments,
        )
        event = ev.ArgumentsDone(**self._here, call_id=self.call_id, name=self.name, arguments=self.arguments)
        recorded = self.place.recorded and status == "completed"
        self.place.outbox.emit(event, facts=(fact,) if recorded else (), turn_id=self.place.turn_id)
        self.entry.item = FunctionCall(
            id=self.entry.id, name=self.name, arguments=self.arguments, call_id=self.call_id, status=status
        )
        self.place.done(self.entry, self.index)


class Outputs:
    """The items of one answer: one message at the most, and function calls, in the order in which they began."""

    def __init__(self, place: Place) -> None:
        self.message: MessageOutput | None = None
        """None until there is something to say or to show."""
        self._place = place
        self._calls: dict[int, CallOutput] = {}
        self._all: list[MessageOutput | CallOutput] = []

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(output.entry.item for output in self._all)

    def open_message(self, *, spoken: bool, borrowed: Borrowed | None) -> MessageOutput:
        """The message, begun if it was not; ``borrowed``: whose voice it is to be given in, if it is somebody's."""
        if self.message is None:
            self.message = MessageOutput(self._place, len(self._all), spoken=spoken)
            self.message.answer.borrowed = borrowed
            self._all.append(self.message)
        return self.message

    def call(self, delta: ToolCallDelta) -> None:
        """A piece of a function call, which begins with its first."""
        call = self._calls.get(delta.index)
        if call is None:
            call_id = delta.id or new_id("call")
            call = CallOutput(self._place, len(self._all), name=delta.name or "", call_id=call_id)
            self._calls[delta.index] = call
            self._all.append(call)
        if delta.arguments:
            call.write(delta.arguments)

    def close(self, status: Status) -> None:
        for output in self._all:
            output.close(status)
