"""A turn as the page of its conversation shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.texts import Text
from conversations.admin import deeds, opened
from conversations.admin.labels import TURN_STATUS
from conversations.admin.links import Button, button, turn_anchor
from conversations.admin.readonly import seconds
from conversations.admin.voice_names import name_voices, voice_name
from conversations.models import Conversation, Turn, TurnStatus
from conversations.selectors import TurnView

_STEPS: dict[str, Text] = {
    "endpoint_ms": _("end of speech noticed"),
    "transcript_ms": _("transcript"),
    "first_token_ms": _("first token"),
    "first_sentence_ms": _("first sentence"),
    "first_audio_ms": _("first sound"),
    "model_ms": _("of it in models"),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """A step of the waterfall, from the end of speech."""

    label: Text
    took: str


@dataclass(frozen=True, slots=True)
class SoundView:
    """One of a turn's two sounds, or the whole conversation. ``url`` is where it plays, empty while it is closed."""

    title: Text
    length: str
    open_url: str
    url: str


@dataclass(frozen=True, slots=True)
class TurnRow:
    """``voice`` is what it is called; ``said`` is None while the words are closed.

    ``unheard`` is what was written and did not reach the listener.
    """

    turn: Turn
    voice: str
    anchor: str
    status: Text
    waits: tuple[Wait, ...]
    said: TurnView | None
    unheard: str
    sounds: tuple[SoundView, ...]
    buttons: tuple[Button, ...]


def turn_rows(
    request: HttpRequest, conversation: Conversation, turns: Sequence[Turn], said: Sequence[TurnView] | None
) -> tuple[TurnRow, ...]:
    views: Sequence[TurnView | None] = said if said is not None else [None] * len(turns)
    name_voices(request, turns)
    return tuple(_row(request, conversation, turn, view) for turn, view in zip(turns, views, strict=True))


def whole_sound(request: HttpRequest, conversation: Conversation) -> SoundView | None:
    """Both voices on one line as they were heard; None where nothing can be heard, or not by this person."""
    if conversation.erased_at is not None or not request.user.has_perm("conversations.listen_recording"):
        return None
    turns = Turn.objects.filter(conversation=conversation)
    if not (turns.exclude(user_audio_id="") | turns.exclude(reply_audio_id="")).exists():
        return None
    is_open = opened.sound_is_open(request, conversation.id, opened.WHOLE)
    return SoundView(
        title=_("The whole conversation, as it was heard"),
        length="",
        open_url=reverse("admin:conversations_conversation_listen_whole", args=[conversation.id]),
        url=reverse("admin:conversations_conversation_audio", args=[conversation.id]) if is_open else "",
    )


def _row(request: HttpRequest, conversation: Conversation, turn: Turn, said: TurnView | None) -> TurnRow:
    unheard = said.generated_text if said is not None and said.generated_text != said.heard_text else ""
    taken = ((label, getattr(turn, step)) for step, label in _STEPS.items())
    return TurnRow(
        turn=turn,
        voice=voice_name(turn),
        anchor=turn_anchor(turn.turn_id),
        status=TURN_STATUS[TurnStatus(turn.status)],
        waits=tuple(Wait(label, seconds(ms)) for label, ms in taken if ms is not None),
        said=said,
        unheard=unheard,
        sounds=_sounds(request, conversation, turn),
        buttons=_buttons(request, conversation, turn),
    )


def _sounds(request: HttpRequest, conversation: Conversation, turn: Turn) -> tuple[SoundView, ...]:
    if not request.user.has_perm("conversations.listen_recording"):
        return ()
    both: tuple[tuple[Text, str, str, int | None], ...] = (
        (_("The person"), "user", turn.user_audio_id, turn.user_audio_ms),
        (_("The answer"), "reply", turn.reply_audio_id, turn.heard_ms),
    )
    return tuple(
        SoundView(
            title=title,
            length=seconds(ms),
            open_url=reverse("admin:conversations_conversation_listen", args=[conversation.id, audio_id]),
            url=reverse("admin:conversations_conversation_turn_audio", args=[conversation.id, turn.number, who])
            if opened.sound_is_open(request, conversation.id, audio_id)
            else "",
        )
        for title, who, audio_id, ms in both
        if audio_id
    )


def _buttons(request: HttpRequest, conversation: Conversation, turn: Turn) -> tuple[Button, ...]:
    if conversation.erased_at is not None:
        return ()
    offered = [deeds.FLAG]
    if not turn.redacted:
        if turn.user_audio_id or turn.reply_audio_id:
            offered.append(deeds.REDACT_SOUND)
        offered.append(deeds.REDACT)
    return tuple(button(conversation.id, deed, turn.turn_id) for deed in offered if deed.allowed(request))
