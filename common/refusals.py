"""What cannot be done. Every message is for people: what, why, and what to do instead."""

from common.texts import Text


class NotFound(Exception):
    """There is no such thing, or it is another's: nobody is told which (HTTP 404)."""

    what = "thing"

    def __init__(self, what: str = "") -> None:
        super().__init__(f"There is no such {what or self.what}.")


class Refused(Exception):
    """What was asked cannot be done (HTTP 409); ``code`` is for programs.

    The message is put into the reader's language when it is read, in whatever thread it was raised; ``values`` fill
    its places.
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
    """It is not in a state for this: erased, decided or ended before, or not ready yet (HTTP 409)."""

    code = "wrong_state"


class TooMany(Refused):
    """There is enough of it already (HTTP 429)."""

    code = "too_many"
