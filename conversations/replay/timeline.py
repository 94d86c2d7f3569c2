"""When who was heard in a conversation, from its turns: first in Unix time, then on one line from its first sound."""

from collections.abc import Iterable, Iterator

from conversations.events import Pause, ReplyHeard
from conversations.models import Conversation, Keep, Turn
from conversations.replay.line import Piece, Placed, State, Timeline, Utterance, shortened, unix_ms
from conversations.replay.moments import Moment
from conversations.selectors import ConversationView, TurnView


def timeline(view: ConversationView, moments: Iterable[Moment] = (), *, skip_pauses: bool = False) -> Timeline:
    """Pauses are as long as they were, or `LONGEST_KEPT_MS` at most; ``moments`` become its marks."""
    placed = Placed()
    for turn in view.turns:
        placed.add(_turn(view.conversation, turn))
    laid = Timeline(
        view.conversation.started_at,
        placed.end,
        tuple(placed.utterances),
        placed.silences(),
        placed.marks(moments, {turn.turn.turn_id: turn.turn.number for turn in view.turns}),
    )
    return shortened(laid) if skip_pauses else laid


def _turn(conversation: Conversation, view: TurnView) -> list[Utterance]:
    turn, found = view.turn, list[Utterance]()
    recorded = unix_ms(turn.started_at)
    # The words may outlive the sound that they name.
    erased = turn.redacted or conversation.erased_at is not None or any(answer.audio_id for answer in view.answers)
    gone: State = "erased" if erased or turn.keep == Keep.SOUND else "unkept"
    if turn.user_item_id:
        found.append(_user(turn, recorded, gone))
    reply_at = recorded + round(max(0.0, (turn.first_audio_ms or 0.0) - (turn.endpoint_ms or 0.0)))
    for answer in view.answers or _remembered(turn):
        reply = _reply(turn, answer, reply_at, gone)
        found.append(reply)
        reply_at = max(reply_at, reply.end_ms)
    return found


def _user(turn: Turn, recorded: int, gone: State) -> Utterance:
    length = turn.user_audio_ms or 0
    began = unix_ms(turn.user_began_at) if turn.user_began_at is not None else recorded - length
    return Utterance(
        who="user",
        turn=turn.number,
        turn_id=turn.turn_id,
        start_ms=began,
        end_ms=began + length,
        audio_id=turn.user_audio_id,
        state="kept" if turn.user_audio_id else gone if length else "none",
        pieces=(Piece(began, began + length, 0),) if length else (),
        exact=turn.user_began_at is not None or not length,
    )


def _reply(turn: Turn, answer: ReplyHeard, fallback: int, gone: State) -> Utterance:
    began = answer.began_at_ms if answer.began_at_ms is not None else fallback
    pieces = tuple(_pieces(answer, began))
    spoken = answer.source != "text"
    audio_id = answer.audio_id if turn.reply_audio_id else ""
    return Utterance(
        who="reply",
        turn=turn.number,
        turn_id=turn.turn_id,
        start_ms=began,
        end_ms=pieces[-1].end_ms if pieces else began,
        audio_id=audio_id,
        state="kept" if audio_id else gone if spoken and (answer.audio_ms or answer.sound_ms) else "none",
        pieces=pieces,
        unheard_ms=max(0, (answer.sound_ms or 0) - answer.audio_ms),
        complete=answer.complete,
        exact=answer.began_at_ms is not None or not spoken,
    )


def _pieces(answer: ReplyHeard, began: int) -> Iterator[Piece]:
    at, start = began, 0
    for pause in (*answer.pauses, Pause(answer.audio_ms, 0)):
        end = min(max(pause.at_ms, start), answer.audio_ms)
        if end > start:
            yield Piece(at, at + end - start, start)
        at, start = at + end - start + pause.for_ms, end


def _remembered(turn: Turn) -> tuple[ReplyHeard, ...]:
    """What is known of an answer whose words are gone."""
    if turn.heard_ms is None:
        return ()
    began = unix_ms(turn.reply_began_at) if turn.reply_began_at is not None else None
    return (
        ReplyHeard(
            response_id=turn.response_id,
            item_id=turn.reply_item_id,
            text="",
            audio_ms=turn.heard_ms,
            source=turn.heard_source or "playback_clock",  # type: ignore[arg-type]
            audio_id=turn.reply_audio_id,
            complete=bool(turn.heard_complete),
            began_at_ms=began,
            sound_ms=turn.reply_audio_ms,
        ),
    )
