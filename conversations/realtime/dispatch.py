"""What each client event does."""

import base64
import binascii

import msgspec

from conversations.events import Fact, ItemCreated, ItemDeleted, Keep, KeepChanged, UserWrote
from conversations.realtime import extras as ex
from conversations.realtime.answering import Answering
from conversations.realtime.attempt import Attempt
from conversations.realtime.config import updated
from conversations.realtime.hearing import Hearing
from conversations.realtime.ids import new_id
from conversations.realtime.items import Entry
from conversations.realtime.listener import Listener
from conversations.realtime.live import Live
from conversations.realtime.own_voice import OwnVoice
from conversations.realtime.plans import language_of_text
from conversations.realtime.playback import seconds
from conversations.realtime.protocol import client_events as ce
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.errors import ProtocolError, muted
from conversations.realtime.protocol.items import InputAudio, Item, Message, OutputAudio
from conversations.realtime.turns import Turns
from conversations.realtime.utterance import for_hearing

MAX_APPEND_BYTES = 15 * 1024 * 1024
MAX_ITEM_BYTES = 256 * 1024
"""Of an item's text; sound has the bounds of an utterance."""
MAX_ITEM_SOUND_S = 60.0
MAX_ITEMS = 2000


class Dispatch:
    """One method an event. None waits: what takes time is begun and told of later."""

    def __init__(
        self,
        live: Live,
        hearing: Hearing,
        answering: Answering,
        listener: Listener,
        turns: Turns,
        own_voice: OwnVoice,
    ) -> None:
        self._live = live
        self._own_voice = own_voice
        self._hearing = hearing
        self._answering = answering
        self._listener = listener
        self._turns = turns

    def handle(self, event: ce.AnyClientEvent) -> None:
        """Raises `ProtocolError`; the caller tells it with the event's id."""
        if self._live.muted and isinstance(event, ce.AudioAppend):
            return
        if self._live.muted and isinstance(event, ce.AudioCommit | ce.ItemCreate):
            raise muted()
        if not isinstance(event, ce.AudioAppend):
            self._live.touched()
        match event:
            case ce.AudioAppend() | ce.AudioCommit() | ce.AudioClear():
                self._buffer(event)
            case ce.SessionUpdate(session=patch):
                self._update(patch)
            case ce.ResponseCreate(response=options):
                self._answering.create(options or ce.ResponseOptions(), self._hearing.last_turn)
            case ce.ResponseCancel(response_id=response_id):
                self._answering.cancel(response_id)
            case ce.KeepUpdate(keep=keep):
                self._keep(keep)
            case ce.SelfVoiceUpdate(consent=consent):
                self._own_voice.update(consent=consent)
            case _:
                self._item(event)

    def _buffer(self, event: ce.AudioAppend | ce.AudioCommit | ce.AudioClear) -> None:
        match event:
            case ce.AudioAppend(audio=audio):
                self._append(audio)
            case ce.AudioCommit():
                self._hearing.commit()
            case ce.AudioClear():
                self._hearing.clear()

    def _item(self, event: ce.ItemCreate | ce.ItemRetrieve | ce.ItemTruncate | ce.ItemDelete) -> None:
        match event:
            case ce.ItemCreate():
                self._create_item(event.item, event.previous_item_id)
            case ce.ItemRetrieve(item_id=item_id):
                self._live.outbox.emit(ev.ItemRetrieved(item=self._with_sound(item_id)))
            case ce.ItemTruncate():
                self._listener.truncate(event.item_id, event.content_index, event.audio_end_ms)
                self._hearing.context_changed()
            case ce.ItemDelete(item_id=item_id):
                self._delete(item_id)

    def _append(self, audio: str) -> None:
        pcm = decoded(audio, "audio")
        if not self._live.rates.audio_s.take(seconds(len(pcm))):
            raise ProtocolError("rate_limit_exceeded", "Sound comes much faster than it is spoken: it was dropped.")
        self._hearing.append(pcm)

    def _update(self, patch: dict[str, object]) -> None:
        self._live.settings = updated(self._live.settings, patch)
        self._hearing.configure()
        voice_id = self._live.settings.audio.output.voice
        if self._live.voices.want(voice_id):
            self._live.start(self._tell_updated(voice_id), "borrow voice")
        else:
            self._live.outbox.emit(ev.SessionUpdated(session=self._live.effective))

    async def _tell_updated(self, voice_id: str) -> None:
        """Once it is known whether the voice may be used."""
        if refused := await self._live.voices.settled(voice_id):
            self._live.outbox.emit(ev.error_event("voice_not_usable", refused, param="session.audio.output.voice"))
        self._live.outbox.emit(ev.SessionUpdated(session=self._live.effective))

    def _create_item(self, item: Item, after: str | None) -> None:
        if len(self._live.conversation) >= MAX_ITEMS:
            raise ProtocolError("too_many_items", f"A live conversation has {MAX_ITEMS} items at most; delete some.")
        sound = _sound_of(item)
        item = msgspec.structs.replace(_without_sound(item), id=item.id or new_id("item"), status="completed")
        content = msgspec.json.encode(item)
        if len(content) > MAX_ITEM_BYTES:
            raise ProtocolError("invalid_value", f"An item's text has {MAX_ITEM_BYTES} bytes at most.", "item")
        by_user = isinstance(item, Message) and item.role == "user"
        self._hearing.context_changed()
        turn = self._hearing.begin_typed() if by_user else self._hearing.last_turn
        assert item.id is not None
        if sound:
            turn.item_id = item.id
            self._turns.insert(turn, item, sound, Attempt(self._live, for_hearing(sound)), after)
            return
        entry = Entry(item=item, turn_id=turn.id)
        entry.settled.set()
        previous = self._live.conversation.add(entry, after)
        fact: Fact
        if isinstance(item, Message) and by_user:
            fact = UserWrote(item_id=item.id, text=item.text, previous_item_id=after)
            self._live.language = language_of_text(item.text) or self._live.language
        else:
            role = item.role if isinstance(item, Message) else ""
            kind = type(item).__struct_config__.tag
            fact = ItemCreated(
                item_id=item.id, kind=str(kind), role=role, content=content.decode(), previous_item_id=after
            )
        added = ev.ItemAdded(item=item, previous_item_id=previous)
        done = ev.ItemDone(item=item, previous_item_id=previous)
        self._live.outbox.emit(added, done, facts=(fact,), turn_id=turn.id)

    def _delete(self, item_id: str) -> None:
        entry = self._live.conversation.remove(item_id)
        self._hearing.context_changed()
        self._own_voice.forget(entry.turn_id)
        fact = ItemDeleted(item_id=item_id)
        self._live.outbox.emit(ev.ItemDeletedEvent(item_id=item_id), facts=(fact,), turn_id=entry.turn_id)

    def _keep(self, keep: Keep) -> None:
        """A turn has the choice that holds when the first of it is recorded."""
        if not self._live.extras.wanted:
            raise ProtocolError("unknown_event", "Ask for the extras to choose what is kept: `?extras=avatar`.", "type")
        facts = (KeepChanged(keep=keep),) if keep != self._live.keep else ()
        self._live.keep = keep
        self._live.outbox.emit(ex.KeepUpdated(keep=keep), facts=facts)

    def _with_sound(self, item_id: str) -> Item:
        """The item with its sound, as far as that is still at hand."""
        entry = self._live.conversation.get(item_id)
        sound = entry.sound or self._listener.sound_of(item_id)
        if not sound or not isinstance(entry.item, Message):
            return entry.item
        audio = base64.b64encode(sound).decode()
        content = tuple(
            msgspec.structs.replace(part, audio=audio) if isinstance(part, InputAudio | OutputAudio) else part
            for part in entry.item.content
        )
        return msgspec.structs.replace(entry.item, content=content)


def decoded(audio: str, param: str) -> bytes:
    """Base64 as the client sends it; raises `ProtocolError`."""
    if len(audio) > MAX_APPEND_BYTES * 4 // 3:
        raise ProtocolError("invalid_value", "One event carries 15 MB of sound at most.", param)
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("invalid_value", "The sound is not base64.", param) from None


def _sound_of(item: Item) -> bytes:
    """The PCM16 of a spoken message that the client puts into the conversation without its words."""
    if not isinstance(item, Message):
        return b""
    parts = [part for part in item.content if isinstance(part, InputAudio) and part.audio and not part.transcript]
    if not parts:
        return b""
    if item.role != "user" or len(item.content) != 1:
        raise ProtocolError("invalid_value", "Sound comes alone, in a message of the user's.", "item.content")
    pcm = decoded(parts[0].audio or "", "item.content.audio")
    if not pcm or len(pcm) % 2 or seconds(len(pcm)) > MAX_ITEM_SOUND_S:
        raise ProtocolError("invalid_value", "Sound is 60 s of PCM16 at most, in whole samples.", "item.content.audio")
    return pcm


def _without_sound(item: Item) -> Item:
    if not isinstance(item, Message):
        return item
    content = tuple(
        msgspec.structs.replace(part, audio=None) if isinstance(part, InputAudio | OutputAudio) else part
        for part in item.content
    )
    return msgspec.structs.replace(item, content=content)
