"""What the record says of a failure: our own sentence, never a server's, which may quote what was said to it.

Recorded in English; pages put it into their reader's language.
"""

from django.utils.translation import gettext_noop as _

_SENTENCES = {
    "engine_unavailable": _("The engine was not there."),
    "invalid_request": _("The engine refused the request."),
    "context_length_exceeded": _("The conversation did not fit the model's window."),
    "server_full": _("No place was free."),
    "invalid_audio": _("The sound could not be read."),
    "empty_answer": _("The model answered nothing."),
    "language_not_spoken": _("No voice speaks the language: the answer was text only."),
    "service_text_only": _("The machine had no memory left for a voice: the answer was text only."),
    "voice_stopped": _("The voice had been taken back."),
}


def sentence(code: str) -> str:
    """For an error's code; ``speech_…`` is that of the voice."""
    return _SENTENCES.get(code.removeprefix("speech_"), _("The engine failed."))
