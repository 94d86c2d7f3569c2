"""What a moderator can do to conversations, turns, flags and live sessions."""

from functools import partial

from django.utils.translation import gettext_lazy as _

from conversations.admin.deed import Cause, Deed, Run, Subject, to_part, to_part_noted
from conversations.services import burial, erasure, live, moderation
from conversations.services.access import Actor
from conversations.services.reasons import DismissReason, EraseReason, FlagReason, HideReason, LiveReason, UpholdReason


def _flag(subject: Subject, actor: Actor, cause: Cause) -> None:
    moderation.flag(subject.conversation_id, actor=actor, reason=cause.reason, note=cause.note, turn_id=subject.part)


def _hide(*, hidden: bool) -> Run:
    def run(subject: Subject, actor: Actor, cause: Cause) -> None:
        moderation.hide(subject.conversation_id, actor=actor, hidden=hidden, reason=cause.reason, note=cause.note)

    return run


def _erase(subject: Subject, actor: Actor, cause: Cause) -> None:
    erasure.erase_conversation(subject.conversation_id, actor=actor, reason=cause.reason)


def _redact(what: burial.What) -> Run:
    def run(subject: Subject, actor: Actor, cause: Cause) -> None:
        erasure.redact_turn(subject.conversation_id, subject.part, actor=actor, reason=cause.reason, what=what)

    return run


FLAG = Deed(
    name="flag",
    permission="conversations.flag_conversation",
    label=_("Flag"),
    question=_("Flag this for a decision?"),
    follows=_("It appears among the open flags until somebody dismisses or upholds it. Nothing else changes."),
    done=_("It is flagged."),
    reasons=FlagReason,
    run=_flag,
)
DISMISS = Deed(
    name="dismiss",
    permission="conversations.decide_flag",
    label=_("Dismiss"),
    question=_("Dismiss this flag?"),
    follows=_("The flag is closed as unfounded. What it is about stays as it is."),
    done=_("The flag is dismissed."),
    reasons=DismissReason,
    run=to_part_noted(partial(moderation.decide_flag, decision="dismissed")),
)
UPHOLD = Deed(
    name="uphold",
    permission="conversations.decide_flag",
    label=_("Uphold"),
    question=_("Uphold this flag?"),
    follows=_("The flag is closed as right. To hide, redact or erase what it is about is a step of its own."),
    done=_("The flag is upheld."),
    reasons=UpholdReason,
    run=to_part_noted(partial(moderation.decide_flag, decision="upheld")),
)
HIDE = Deed(
    name="hide",
    permission="conversations.hide_conversation",
    label=_("Hide"),
    question=_("Hide this conversation from its owner?"),
    follows=_("Its owner no longer sees, hears or continues it. Everything is kept, and it can be shown again."),
    done=_("The conversation is hidden from its owner."),
    reasons=HideReason,
    run=_hide(hidden=True),
)
UNHIDE = Deed(
    name="unhide",
    permission="conversations.hide_conversation",
    label=_("Show again"),
    question=_("Show this conversation to its owner again?"),
    follows=_("Its owner sees it as before."),
    done=_("Its owner sees the conversation again."),
    reasons=HideReason,
    run=_hide(hidden=False),
)
ERASE = Deed(
    name="erase",
    permission="conversations.erase_conversation",
    label=_("Erase"),
    question=_("Erase this conversation for good?"),
    follows=_(
        "All its words and sound are destroyed, here and in every export to come; nobody can bring them back. "
        "That it took place, and that you erased it, stays in the record."
    ),
    done=_("The conversation is erased."),
    reasons=EraseReason,
    run=_erase,
    noted=False,
    final=True,
)
REDACT = Deed(
    name="redact",
    permission="conversations.redact_turn",
    label=_("Redact"),
    question=_("Redact this turn for good?"),
    follows=_(
        "What was said and answered in this turn is destroyed, words and sound; nobody can bring it back. The "
        "rest of the conversation stays."
    ),
    done=_("The turn is redacted."),
    reasons=EraseReason,
    run=_redact("all"),
    noted=False,
    final=True,
)
REDACT_SOUND = Deed(
    name="redact-sound",
    permission="conversations.redact_turn",
    label=_("Redact sound"),
    question=_("Destroy the sound of this turn for good?"),
    follows=_("Both recordings of this turn are destroyed; nobody can bring them back. Its words stay."),
    done=_("The sound of the turn is redacted."),
    reasons=EraseReason,
    run=_redact("sound"),
    noted=False,
    final=True,
)
MUTE = Deed(
    name="mute",
    permission="conversations.mute_session",
    label=_("Mute"),
    question=_("Mute this live session?"),
    follows=_(
        "Nothing more is heard of the person and nothing is answered until the session is unmuted. They are told."
    ),
    done=_("The session is muted."),
    reasons=LiveReason,
    run=to_part(live.mute),
    noted=False,
)
UNMUTE = Deed(
    name="unmute",
    permission="conversations.mute_session",
    label=_("Unmute"),
    question=_("Unmute this live session?"),
    follows=_("The person is heard and answered again."),
    done=_("The session is unmuted."),
    reasons=LiveReason,
    run=to_part(live.unmute),
    noted=False,
)
CUT = Deed(
    name="end",
    permission="conversations.cut_session",
    label=_("End session"),
    question=_("End this live session?"),
    follows=_("The person is disconnected at once and told that a moderator did it. They may connect again."),
    done=_("The session ends."),
    reasons=LiveReason,
    run=to_part(live.cut),
    noted=False,
)
ABOUT_CONVERSATIONS = (FLAG, HIDE, UNHIDE, ERASE)
ABOUT_TURNS = (FLAG, REDACT, REDACT_SOUND)
ABOUT_FLAGS = (DISMISS, UPHOLD)
ABOUT_SESSIONS = (MUTE, UNMUTE, CUT)
BY_NAME = {deed.name: deed for deed in (*ABOUT_CONVERSATIONS, *ABOUT_TURNS, *ABOUT_FLAGS, *ABOUT_SESSIONS)}
