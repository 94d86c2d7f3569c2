"""What is wrong with a recording that cannot be read, in the reader's language."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from inference.errors import AudioRefused
from voices.errors import Invalid

_WORDS: Mapping[str, str | Promise] = {
    "too_large": _("The file is larger than %(most)s MB."),
    "empty": _("The file is empty."),
    "too_slow": _("The file could not be decoded within %(most)s s."),
    "too_much": _("The file cannot be decoded: it is damaged, or it needs more than decoding may take."),
    "no_sound": _("There is no sound in the file."),
    "codec": _("Sound of the kind %(codec)s is not supported."),
    "too_long": _("The file holds more than %(most)s s of sound."),
    "cut": _("The file is cut short: it says %(says)s s and holds %(holds)s s."),
    "damaged": _("The file is damaged."),
    "rate": _("%(rate)s samples a second are not supported."),
    "channels": _("%(channels)s channels are more than %(most)s."),
    "not_audio": _("The file is not audio in a format that is understood, or it is damaged."),
}
"""By `AudioRefused.why`."""


def invalid(error: AudioRefused) -> Invalid:
    """The same as `Invalid` (``code="audio"``)."""
    return Invalid(_WORDS.get(error.why, error.message), code="audio", **error.values)
