"""What can go wrong with a conversation."""


class ConversationNotFound(Exception):
    """There is no such conversation, or it is another's: nobody is told which."""

    def __init__(self) -> None:
        super().__init__("There is no such conversation.")


class UnknownOwner(Exception):
    """A conversation cannot start for a person who does not exist."""
