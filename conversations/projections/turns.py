"""What a fact tells of its turn: everything but the words."""

from datetime import UTC, datetime

from conversations.events import (
    Fact,
    ReplyFailed,
    ReplyFinished,
    ReplyGenerated,
    ReplyHeard,
    ReplySpoken,
    ReplyStarted,
    ReplyVoiced,
    TurnMeasured,
    UserSpoke,
    UserTranscribed,
    UserTranscriptionFailed,
    UserWrote,
)
from conversations.history import supersedes
from conversations.models import Turn, TurnStatus

_STEPS = ("endpoint_ms", "transcript_ms", "first_token_ms", "first_sentence_ms", "first_audio_ms", "model_ms")


def describe(turn: Turn, fact: Fact) -> None:
    """Everything of a turn but its words."""
    match fact:
        case UserSpoke():
            turn.user_item_id, turn.user_audio_id, turn.user_audio_ms = fact.item_id, fact.audio_id, fact.duration_ms
            turn.user_began_at = _moment(fact.began_at_ms)
        case UserTranscribed():
            turn.language, turn.confidence, turn.stt_model = fact.language, fact.confidence, fact.model
        case UserTranscriptionFailed():
            turn.status, turn.error_code = TurnStatus.FAILED, fact.code
        case UserWrote():
            turn.user_item_id = fact.item_id
        case TurnMeasured():
            for step in _STEPS:
                if getattr(turn, step) is None:
                    setattr(turn, step, getattr(fact, step))
            turn.speech_engine = turn.speech_engine or fact.engine
            turn.speech_quality = turn.speech_quality or fact.quality
            turn.cloned = turn.cloned or fact.cloned
        case _:
            _describe_reply(turn, fact)


def _describe_reply(turn: Turn, fact: Fact) -> None:
    match fact:
        case ReplyStarted():
            turn.response_id, turn.chat_model, turn.voice = fact.response_id, fact.model, fact.voice
        case ReplyGenerated():
            turn.reply_item_id, turn.finish_reason = fact.item_id, fact.finish_reason
            turn.input_tokens += fact.input_tokens
            turn.output_tokens += fact.output_tokens
            turn.cached_tokens += fact.cached_tokens
        case ReplySpoken():
            turn.reply_item_id = fact.item_id
        case ReplyVoiced():
            turn.cloned = turn.cloned or fact.cloned
            if fact.cloned:
                turn.voice = fact.asked or turn.voice
            elif fact.fallback and not turn.cloned:  # all that was said so far another voice said
                turn.voice = fact.voice or turn.voice
        case ReplyHeard():
            _heard(turn, fact)
        case ReplyFinished():
            turn.status, turn.reason = TurnStatus(fact.status), fact.reason
        case ReplyFailed():
            turn.error_code = fact.code
        case _:
            pass


def _heard(turn: Turn, fact: ReplyHeard) -> None:
    turn.reply_audio_id = fact.audio_id or turn.reply_audio_id
    same_answer = turn.reply_item_id == fact.item_id
    if not same_answer or supersedes(fact, turn.heard_source):
        turn.heard_ms, turn.heard_source, turn.heard_complete = fact.audio_ms, fact.source, fact.complete
        turn.reply_audio_ms, turn.reply_began_at = fact.sound_ms, _moment(fact.began_at_ms)
    turn.reply_item_id = fact.item_id


def _moment(unix_ms: int | None) -> datetime | None:
    return datetime.fromtimestamp(unix_ms / 1000, UTC) if unix_ms is not None else None
