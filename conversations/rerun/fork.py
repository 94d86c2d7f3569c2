"""The conversation that a re-run makes: a fork of the one it runs again, each turn in it whole or not at all."""

import functools
from collections.abc import Sequence
from uuid import uuid4

from django.conf import settings

from conversations.errors import WrongState
from conversations.events import (
    ConversationHidden,
    ConversationStarted,
    Fact,
    ReplyFailed,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    TurnMeasured,
    UserSpoke,
)
from conversations.failures import sentence
from conversations.history import History, HistoryItem
from conversations.log.audio import AudioStore
from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.eventlog import event_log
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Purpose
from conversations.log.types import Metadata
from conversations.models import Conversation
from conversations.realtime.ids import new_id
from conversations.realtime.output import voiced_fact
from conversations.record import ConversationRecord, new_event
from conversations.rerun.answering import Answer, Manner
from conversations.rerun.source import Said, Source, SourceTurn
from conversations.services import forks
from conversations.streams import stream_of
from inference.types import WIRE_RATE

RERUN = "rerun"


def begin(source: Source, first: int, *, actor_id: str, fork_id: str) -> None:
    """Starts the fork ``fork_id`` with the turns before number ``first``. Blocking.

    It belongs to whom the source belongs to, so that erasing the person erases it; run by somebody else it is hidden
    from them from its first fact on. Raises `conversations.errors.Refused`, `conversations.log.errors.LogError`.
    """
    metadata = Metadata(actor=actor_id)
    conversation = Conversation.objects.get(id=source.conversation_id)
    hidden = [new_event(ConversationHidden(hidden=True, reason=RERUN), metadata)] * (actor_id != source.owner_id)
    if first > 1:
        last = source.turns[first - 2].turn_id
        forks.copy(conversation, owner_id=source.owner_id, at_turn=last, beginning=hidden, new_id=fork_id)
    else:
        started = ConversationStarted(
            owner=source.owner_id,
            language=source.language,
            voice=source.voice,
            keep=source.keep,
            forked_from=source.conversation_id,
        )
        forks.begin(conversation.id, fork_id, [new_event(started, metadata), *hidden])


def items_of(turn: SourceTurn, said: Sequence[Said]) -> tuple[HistoryItem, ...]:
    """What the user said, as the model's context takes it."""
    history = History()
    for one in said:
        history.apply(one.fact, turn.turn_id)
        if one.transcript is not None:
            history.apply(one.transcript, turn.turn_id)
    return history.items()


class Fork:
    """Appends turns to a fork that was begun. Of one event loop."""

    def __init__(self, fork_id: str, source: Source, manner: Manner, *, actor_id: str) -> None:
        session_id = f"{RERUN}_{uuid4().hex}"  # facts that another run of this fork left are another session's
        self.record = ConversationRecord(fork_id, owner_id=actor_id, session_id=session_id, log=event_log())
        self._source = source
        self._manner = manner

    async def done(self) -> set[str]:
        """The ids of the turns that are in it."""
        return {recorded.turn_id for recorded in await self.record.facts_after(0)} - {""}

    async def append(self, turn: SourceTurn, said: Sequence[Said], answer: Answer, transcript_ms: float | None) -> None:
        """The whole turn in one append: what was said then, or as it was transcribed now, and the new answer.

        Raises `WrongState` when the turn was redacted meanwhile, or the source erased; then no sound of it is left.
        """
        facts: list[Fact] = []
        for one in said:
            fact = one.fact
            if isinstance(fact, UserSpoke):
                audio_id = await self._copy(fact.audio_id, turn.turn_id)
                fact = UserSpoke(item_id=fact.item_id, audio_id=audio_id, duration_ms=fact.duration_ms)
            facts += [fact] if one.transcript is None else [fact, one.transcript]
        facts += await self._reply(turn, answer)
        response_id = next(fact.response_id for fact in facts if isinstance(fact, ReplyStarted))
        speech = answer.voiced[0].made if answer.voiced else None
        # Nobody waited for a first sound: that figure is in the re-run's report, not among people's latencies.
        facts.append(
            TurnMeasured(
                response_id=response_id,
                transcript_ms=transcript_ms,
                first_token_ms=_plus(answer.first_token_ms, transcript_ms),
                first_sentence_ms=_plus(answer.first_sentence_ms, transcript_ms),
                engine=speech.engine if speech is not None else "",
                cloned=speech is not None and speech.cloned,
                quality=speech.quality if speech is not None else "",
            )
        )
        try:
            await self.record.append(*facts, turn_id=turn.turn_id, origin=stream_of(self._source.conversation_id))
        except WrongState:
            audio = AudioStore(settings.DATA_DIR / "audio")
            for audio_id in {fact.audio_id for fact in facts if isinstance(fact, UserSpoke | ReplyHeard)} - {""}:
                await event_log().in_files_thread(functools.partial(audio.delete, audio_id))
            raise

    async def _reply(self, turn: SourceTurn, answer: Answer) -> list[Fact]:
        response_id, item_id = new_id("resp"), new_id("item")
        facts: list[Fact] = [ReplyStarted(response_id=response_id, model=self._manner.model, voice=self._manner.voice)]
        facts += [
            ReplySpoken(response_id=response_id, item_id=item_id, index=index, text=text)
            for index, text in enumerate(answer.sentences)
        ]
        voiced = (voiced_fact(one, response_id, item_id, self._manner.voice) for one in answer.voiced)
        facts += [fact for fact in voiced if fact is not None]
        if answer.generated:
            facts.append(
                ReplyGenerated(
                    response_id=response_id,
                    item_id=item_id,
                    text=answer.generated,
                    finish_reason=answer.finish_reason,
                    input_tokens=answer.usage.input_tokens,
                    output_tokens=answer.usage.output_tokens,
                    cached_tokens=answer.usage.cached_tokens,
                )
            )
        if answer.sentences:
            # Nobody listened; all of it counts as heard, so that the next turn's context is what it would have been.
            audio_id = ""
            if answer.pcm and self._source.keep == "sound":
                audio_id = await self.record.save_audio(turn.turn_id, answer.pcm)
            facts.append(
                ReplyHeard(
                    response_id=response_id,
                    item_id=item_id,
                    text="".join(answer.sentences).strip(),
                    audio_ms=len(answer.pcm) * 1000 // (2 * WIRE_RATE),
                    source="playback_clock" if answer.pcm else "text",
                    audio_id=audio_id,
                )
            )
        if answer.fault is not None:
            facts.append(
                ReplyFailed(
                    response_id=response_id,
                    code=answer.fault.code,
                    message=sentence(answer.fault.code),
                    spoken=answer.fault.spoken,
                )
            )
        facts.append(_finished(response_id, answer))
        return facts

    async def _copy(self, audio_id: str, turn_id: str) -> str:
        """A recording of the source under the fork's own key; empty when there is none (any more)."""
        log = event_log()
        plain = await log.in_files_thread(functools.partial(recorded_opus, self._source.conversation_id, audio_id))
        if not plain or self._source.keep != "sound":
            return ""
        key = await log.write(functools.partial(_sound_key, stream_of(self.record.conversation_id), turn_id))
        audio = AudioStore(settings.DATA_DIR / "audio")
        return await log.in_files_thread(functools.partial(audio.write, key, plain))


def _finished(response_id: str, answer: Answer) -> ReplyFinished:
    if answer.fault is not None and answer.fault.fatal:
        return ReplyFinished(response_id=response_id, status="failed")
    if answer.finish_reason == "length":
        return ReplyFinished(response_id=response_id, status="incomplete", reason="max_output_tokens")
    return ReplyFinished(response_id=response_id, status="completed")


def recorded_opus(conversation_id: str, audio_id: str) -> bytes:
    """A recording of the conversation as Ogg Opus; empty when there is none (any more). Blocking."""
    ring = KeyRing.load(stream_of(conversation_id))
    try:
        return AudioStore(settings.DATA_DIR / "audio").open(audio_id, ring.find).read()
    except (AudioMissing, AudioDamaged):
        return b""


def _sound_key(stream: str, turn_id: str) -> DataKey:
    return KeyRing.load(stream, [turn_id]).data_key(turn_id, Purpose.SOUND, create=True)


def _plus(moment: float | None, later: float | None) -> float | None:
    return round(moment + (later or 0.0), 1) if moment is not None else None
