"""From a committed utterance to an item with words, and to an answer if one is wanted."""

from collections.abc import Callable, Sequence

import structlog

from conversations.events import Fact, UserSpoke, UserTranscribed, UserTranscriptionFailed
from conversations.failures import sentence
from conversations.realtime.answering import Answering
from conversations.realtime.attempt import Attempt
from conversations.realtime.items import Entry, with_transcript
from conversations.realtime.live import Live
from conversations.realtime.partials import Partials
from conversations.realtime.playback import seconds
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.protocol.client_events import ResponseOptions
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import InputAudio, Item, Message
from conversations.realtime.steps import Fault
from conversations.realtime.turn_events import IdleTimeout
from conversations.realtime.utterance import OpenUtterance
from conversations.realtime.waterfall import Turn
from inference.errors import EngineError
from inference.speech.phrases import phrase
from inference.types import Transcript

log = structlog.get_logger(__name__)


class Turns:
    """Commits utterances. What it begins ends with the session."""

    def __init__(self, live: Live, answering: Answering) -> None:
        self._live = live
        self._answering = answering
        self._speaking = False
        self._newest = ""
        self.understood: Callable[[str, bytes, Transcript], None] = lambda turn_id, sound, words: None
        """Told of every turn that was spoken here, its sound (PCM16 mono at WIRE_RATE) and its words."""
        self._owed: Turn | None = None
        """A turn that was to be answered when somebody spoke again; if that was only noise, it still is."""

    def began(self, turn: Turn) -> None:
        """Somebody speaks: whatever was said before is answered together with it."""
        self._speaking, self._newest = True, turn.id

    def unanswered(self, turn: Turn) -> None:
        """The answer to the turn ended before any of it was heard."""
        self._owed = turn

    def dropped(self) -> None:
        """The client has thrown away what was being said."""
        self._speaking = False

    def commit(self, utterance: OpenUtterance, sound: bytes, attempt: Attempt, *, respond: bool) -> None:
        """The utterance joins the conversation at once, its words as soon as they are known.

        sound: PCM16 mono at WIRE_RATE. An utterance without words (noise) stays as an item with an empty transcript
        and is not answered: the client was told of it, and the model is not shown it.
        """
        turn = utterance.turn
        self._speaking, self._newest = False, turn.id
        item = Message(id=turn.item_id, role="user", content=(InputAudio(),))
        entry = Entry(item=item, turn_id=turn.id, sound=sound)
        previous = self._live.conversation.add(entry)
        stored = self._live.tasks.create_task(self._store(utterance, sound, previous), name="store utterance")
        self._live.outbox.emit(
            ev.AudioCommitted(item_id=turn.item_id, previous_item_id=previous),
            ev.ItemAdded(item=item, previous_item_id=previous),
            ev.ItemDone(item=item, previous_item_id=previous),
            after=stored,
            turn_id=turn.id,
        )
        self._live.start(self._follow(turn, entry, attempt, respond, utterance.partials, here=True), "turn")

    def silent(self, turn: Turn, event: IdleTimeout) -> None:
        """Nobody has said anything: the protocol makes the silence an item, and asks."""
        item = Message(id=turn.item_id, role="user", content=(InputAudio(transcript=""),))
        entry = Entry(item=item, turn_id=turn.id)
        entry.settled.set()
        previous = self._live.conversation.add(entry)
        self._live.outbox.emit(
            ev.TimeoutTriggered(item_id=turn.item_id, audio_start_ms=event.start_ms, audio_end_ms=event.end_ms),
            ev.AudioCommitted(item_id=turn.item_id, previous_item_id=previous),
            ev.ItemAdded(item=item, previous_item_id=previous),
            ev.ItemDone(item=item, previous_item_id=previous),
        )
        if self._answering.active is None:
            self._answering.create(ResponseOptions(), turn, script=phrase("idle", self._live.language))

    def insert(self, turn: Turn, item: Item, sound: bytes, attempt: Attempt, after: str | None) -> None:
        """A spoken message that the client brought along, to be transcribed like any other."""
        entry = Entry(item=item, turn_id=turn.id, sound=sound)
        previous = self._live.conversation.add(entry, after)
        utterance = OpenUtterance(self._live, turn, lambda _: b"")
        stored = self._live.tasks.create_task(self._store(utterance, sound, after), name="store utterance")
        self._live.outbox.emit(
            ev.ItemAdded(item=item, previous_item_id=previous),
            ev.ItemDone(item=item, previous_item_id=previous),
            after=stored,
            turn_id=turn.id,
        )
        self._live.start(self._follow(turn, entry, attempt, False, Partials(), here=False), "turn")

    async def _store(self, utterance: OpenUtterance, sound: bytes, previous: str | None) -> Sequence[Fact]:
        saving, size = utterance.over(sound)
        audio_id = await saving
        spoke = UserSpoke(
            item_id=utterance.turn.item_id,
            audio_id=audio_id,
            duration_ms=round(seconds(size) * 1000),
            previous_item_id=previous,
            began_at_ms=utterance.turn.began_at_ms,
        )
        return (spoke,)

    async def _follow(
        self, turn: Turn, entry: Entry, attempt: Attempt, respond: bool, partials: Partials, *, here: bool
    ) -> None:
        words = await attempt.words()
        if isinstance(words, EngineError):
            self._not_understood(turn, entry, words)
        else:
            if here:
                self.understood(turn.id, entry.sound, words)
            self._understood(turn, entry, attempt, words, partials)
        entry.settled.set()
        noise = isinstance(words, Transcript) and not words.text
        wanted = self._owed if noise else turn
        if not respond or wanted is None or wanted.item_id not in self._live.conversation:
            attempt.drop_answer()
        elif self._speaking or self._newest != turn.id:
            attempt.drop_answer()
            self._owed = wanted
        else:
            self._owed = None
            self._answer(wanted, attempt, self._excuse(words) if isinstance(words, EngineError) else None)

    def _answer(self, turn: Turn, attempt: Attempt, fault: Fault | None) -> None:
        """Answers the turn, with what was begun early if there is such."""
        try:
            self._answering.create(ResponseOptions(), turn, early=attempt.early, fault=fault)
        except ProtocolError as error:
            attempt.drop_answer()
            self._live.outbox.emit(ev.error_event(error.code, error.message))

    def _understood(self, turn: Turn, entry: Entry, attempt: Attempt, words: Transcript, partials: Partials) -> None:
        turn.transcript = attempt.transcribed
        turn.stt_compute_ms = words.compute_ms
        if words.text:
            self._live.language = words.language
        if turn.item_id in self._live.conversation:
            entry.item = with_transcript(entry.item, words.text)
        fact = UserTranscribed(
            item_id=turn.item_id,
            text=words.text,
            language=words.language,
            confidence=words.confidence,
            model=words.model,
        )
        events: list[ev.ServerEvent] = []
        if self._live.settings.audio.input.transcription is not None:
            if rest := partials.rest(words.text):
                events.append(ev.TranscriptionDelta(item_id=turn.item_id, delta=rest))
            usage = ev.DurationUsage(seconds=words.duration_s)
            events.append(ev.TranscriptionCompleted(item_id=turn.item_id, transcript=words.text, usage=usage))
        self._live.outbox.emit(*events, facts=(fact,), turn_id=turn.id)

    def _not_understood(self, turn: Turn, entry: Entry, error: EngineError) -> None:
        fact = UserTranscriptionFailed(item_id=turn.item_id, code=error.code, message=sentence(error.code))
        details = ev.ErrorDetails(type="server_error", code=error.code, message=error.message)
        self._live.outbox.emit(
            ev.TranscriptionFailed(item_id=turn.item_id, error=details), facts=(fact,), turn_id=turn.id
        )

    def _excuse(self, error: EngineError) -> Fault:
        return Fault(error.code, error.message, phrase("transcription_failed", self._live.language))
