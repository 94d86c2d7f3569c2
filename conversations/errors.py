"""What can go wrong with a conversation."""

from django.utils.functional import Promise

Text = str | Promise


class ConversationNotFound(Exception):
    """There is no such conversation, or it is another's: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("There is no such conversation.")


class SessionNotFound(ConversationNotFound):
    """There never was such a session."""

    def __init__(self) -> None:
        Exception.__init__(self, "There is no such session.")


class PersonNotFound(Exception):
    """There is no such person."""

    def __init__(self) -> None:
        super().__init__("There is no such person.")


class UnknownOwner(Exception):
    """A conversation cannot start for a person who does not exist."""


class Refused(Exception):
    """What was asked cannot be done. The message is for people: what, why, and what to do instead.

    It is put into the reader's language when it is read, in whatever thread it was raised; ``values`` fill its places.
    """

    code = "refused"

    def __init__(self, message: Text, **values: object) -> None:
        super().__init__(message)
        self.values = values

    def __str__(self) -> str:
        message = str(self.args[0])
        return message % self.values if self.values else message


class NotAllowed(Refused):
    """The one who asks lacks the permission (HTTP 403)."""

    code = "not_allowed"


class WrongState(Refused):
    """It was erased, decided, or ended before (HTTP 409)."""

    code = "wrong_state"


class Invalid(Refused):
    """The request itself is wrong (HTTP 400)."""

    code = "invalid"
