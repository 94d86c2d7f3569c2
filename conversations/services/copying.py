"""The facts of one conversation written into another: words and sounds are sealed anew under the other's keys."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from conversations.errors import WrongState
from conversations.events import (
    ConversationErased,
    Fact,
    ItemCreated,
    ItemDeleted,
    Keep,
    KeepChanged,
    ReplyFailed,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    ReplyVoiced,
    ToolCalled,
    UserSpoke,
    UserTranscribed,
    UserTranscriptionFailed,
    UserWrote,
    decode_fact,
)
from conversations.log import keys, store
from conversations.log.audio import AudioStore
from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.eventlog import event_log
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Metadata, NewEvent, RecordedEvent
from conversations.models import Conversation, Turn
from conversations.record import new_event

_COPIED = (
    UserSpoke,
    UserTranscribed,
    UserTranscriptionFailed,
    UserWrote,
    ItemCreated,
    ItemDeleted,
    ReplyStarted,
    ReplyGenerated,
    ToolCalled,
    ReplySpoken,
    ReplyVoiced,
    ReplyHeard,
    ReplyFinished,
    ReplyFailed,
)
"""What was said and done. Not what was measured: that happened once, to the first conversation."""
_TYPES = frozenset(fact.type for fact in _COPIED)
_READ_AT_ONCE = 400
_WRITTEN_AT_ONCE = 100
"""Facts in one append: others wait for the log no longer than for a few turns of talk."""


def require_unerased(conversation_id: UUID) -> None:
    """In the writer's transaction. Raises `WrongState`."""
    if not Conversation.objects.filter(id=conversation_id, erased_at__isnull=True).exists():
        raise WrongState(_("This conversation was erased: there is nothing to go on from."))


@dataclasses.dataclass(slots=True)
class Copy:
    """Moves facts from one stream to another, sealing their words and sounds anew."""

    conversation: Conversation
    source: str
    target: str
    owner_id: str
    turns: dict[str, Keep]
    """The turns to take, and what is kept of each."""
    sounds: list[str] = dataclasses.field(default_factory=list)
    """Files written so far."""
    sound_keys: dict[str, DataKey] = dataclasses.field(default_factory=dict)
    """By turn, for those that have a sound."""

    def run(self, kept: list[Keep]) -> None:
        """``kept``: what is chosen at the beginning and at the end, and in between."""
        turns = self.turns
        heard = Turn.objects.filter(conversation=self.conversation).exclude(user_audio_id="", reply_audio_id="")
        sounding = [turn_id for turn_id in heard.values_list("turn_id", flat=True) if turn_id in turns]
        self.sound_keys = event_log().write_now(lambda: _sound_keys(self.target, sounding))
        waiting: list[NewEvent] = []
        chosen, begun = kept[0], set[str]()
        for event in self._facts(turns.keys()):
            turn_id = event.metadata.correlation
            if turn_id not in begun and turns[turn_id] != chosen:
                chosen = turns[turn_id]
                waiting.append(self._choice(chosen))
            begun.add(turn_id)
            fact = decode_fact(event.type, event.version, event.payload)
            if isinstance(fact, UserSpoke | ReplyHeard) and fact.audio_id:
                copied = self._copy_sound(fact.audio_id, event.metadata.correlation)
                fact = msgspec.structs.replace(fact, audio_id=copied)
            waiting.append(self._new_event(fact, event))
            if len(waiting) >= _WRITTEN_AT_ONCE:
                self._append(waiting)
                waiting = []
        if chosen != kept[-1]:
            waiting.append(self._choice(kept[-1]))
        if waiting:
            self._append(waiting)

    def _append(self, events: Sequence[NewEvent]) -> None:
        """Stores them if their turns are still what they were: what is redacted from then on is redacted here too."""

        def work() -> None:
            require_unerased(self.conversation.id)
            touched = {event.metadata.correlation for event in events} - {""}
            turns = Turn.objects.filter(conversation=self.conversation, turn_id__in=touched, redacted=False)
            if dict(turns.values_list("turn_id", "keep")) != {turn_id: self.turns[turn_id] for turn_id in touched}:
                raise WrongState(_("Something was removed from this conversation while it was copied: copy it again."))
            store.append(self.target, store.ANY, events)

        event_log().write_now(work)

    def undo(self) -> None:
        """Nothing is left of a copy that failed but its tombstone."""
        audio = _audio()
        for audio_id in self.sounds:
            audio.delete(audio_id)
        event_log().write_now(self._erase)

    def _erase(self) -> None:
        keys.destroy(self.target)
        store.append(self.target, store.ANY, [new_event(ConversationErased(reason="fork_failed"), Metadata())])

    def _facts(self, turn_ids: Collection[str]) -> Iterator[RecordedEvent]:
        after = 0
        while page := store.read_stream(self.source, after, _READ_AT_ONCE):
            for event in page:
                if event.metadata.correlation in turn_ids and event.type in _TYPES and not event.redacted:
                    yield event
            after = page[-1].sequence

    def _new_event(self, fact: Fact, event: RecordedEvent) -> NewEvent:
        turn_id = event.metadata.correlation
        happened = event.metadata.happened_at or event.recorded_at.isoformat()
        metadata = Metadata(
            actor=self.owner_id, correlation=turn_id, causation=event.event_id.hex, happened_at=happened
        )
        return new_event(fact, metadata)

    def _choice(self, keep: Keep) -> NewEvent:
        return new_event(KeepChanged(keep=keep), Metadata(actor=self.owner_id))

    def _copy_sound(self, audio_id: str, turn_id: str) -> str:
        """The new id; empty when the sound is gone."""
        key = self.sound_keys.get(turn_id)
        if key is None:
            return ""
        audio = _audio()
        try:
            plain = audio.open(audio_id, KeyRing.load(self.source, [turn_id]).find).read()
        except (AudioMissing, AudioDamaged):
            return ""
        copied = audio.write(key, plain)
        self.sounds.append(copied)
        return copied


def _sound_keys(stream: str, turn_ids: Iterable[str]) -> dict[str, DataKey]:
    """In the writer's transaction, where keys are made; all at once, since each transaction waits for the disk."""
    ring = KeyRing.load(stream, ())
    return {turn_id: ring.data_key(turn_id, Purpose.SOUND, create=True) for turn_id in turn_ids}


def _audio() -> AudioStore:
    return AudioStore(settings.DATA_DIR / "audio")
