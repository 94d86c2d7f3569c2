"""What services measured and decided, in the reader's language."""

from collections.abc import Mapping

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.reasons import label
from common.texts import Text
from voices.reasons import RejectReason, RevokeReason
from voices.types import Advice, Decision, Verdict

_ADVICE: Mapping[str, Text] = {
    "too_short": _("There is too little speech: at least 3 seconds are needed. Read on for longer."),
    "short": _("6 to 12 seconds of speech make a better voice: record a little more."),
    "ruined": _("It is overdriven throughout: turn the microphone down and record again."),
    "clipped": _("Loud moments are overdriven: turn the microphone down, or move away from it."),
    "quiet": _("It is very quiet: move nearer to the microphone, or turn it up."),
    "loud": _("It is very loud: turn the microphone down."),
    "drowned": _("The noise is nearly as loud as the speech: record in a quiet room."),
    "noisy": _("There is noise behind the speech: a quieter room makes a better voice."),
    "no_words": _("No words were understood: speak clearly, in one language."),
    "two_voices": _("It does not sound like one voice throughout: record one person alone."),
    "other_language": _("It does not sound like the language that the voice is meant for."),
    "check_words": _("The words were hard to understand: compare the transcript word by word."),
}


def advice(one: Advice) -> str:
    return str(_ADVICE.get(one.code, one.message))


def verdict(given: Verdict) -> str:
    """Why a consent did not count, with the figures."""
    match given.reason:
        case "wrong_words":
            heard = {"heard": given.words_heard, "asked": given.words_asked, "needed": given.words_needed}
            return (
                gettext(
                    "It did not count: %(heard)s of the %(asked)s words were heard in order, %(needed)s are needed. "
                    "Ask for another sentence and read it calmly."
                )
                % heard
            )
        case "other_voice":
            near = {"figure": f"{given.similarity or 0:.2f}", "needed": f"{given.threshold or 0:.2f}"}
            return (
                gettext(
                    "It did not count: the voice is not that of the sample (likeness %(figure)s, needed %(needed)s). "
                    "The person of the sample has to read it."
                )
                % near
            )
        case "expired":
            return gettext("It did not count: the two minutes were over. Ask for another sentence.")
        case _:
            return given.message


def reason(decision: Decision, *, revoked: bool) -> str:
    """Why a manager revoked or rejected a voice, with the note to its owner."""
    said_so = label(RevokeReason if revoked else RejectReason, decision.reason)
    return f"{said_so}. {decision.note}" if decision.note else f"{said_so}."
