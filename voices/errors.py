"""What can go wrong with a voice. Every message is for people: what happened, and what to do."""

from django.utils.functional import Promise

Text = str | Promise
"""Promises are texts that wait for the language of whoever reads them."""


class VoiceNotFound(Exception):
    """There is no such voice, or it is another's: nobody is told which."""

    def __init__(self, what: str = "voice") -> None:
        super().__init__(f"There is no such {what}.")


class Refused(Exception):
    """What was asked cannot be done; ``code`` is for programs.

    The message is put into the reader's language when it is read; ``values`` fill its places.
    """

    code = "refused"

    def __init__(self, message: Text, *, code: str = "", **values: object) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.values = values

    def __str__(self) -> str:
        message = str(self.args[0])
        return message % self.values if self.values else message


class NotAllowed(Refused):
    """The one who asks lacks the permission (HTTP 403)."""

    code = "not_allowed"


class Invalid(Refused):
    """The request itself is wrong (HTTP 400)."""

    code = "invalid"


class WrongState(Refused):
    """The voice is not in a state for this (HTTP 409)."""

    code = "wrong_state"


class TooMany(Refused):
    """There is enough of it already (HTTP 429)."""

    code = "too_many"


class VoiceNotUsable(Refused):
    """Nothing can be said in this voice for this person, now (HTTP 409)."""

    code = "voice_not_usable"
