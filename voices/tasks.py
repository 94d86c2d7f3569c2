"""What the task cluster does for voices by the clock (`conversations.schedules`). Each may run again at any time."""

from voices.services import ending, examinations, previews, recalls


def end_consents() -> str:
    """Withdraws consents that have come to their end."""
    return f"{ending.end_consents()} consents ended"


def give_up_previews() -> str:
    """Tells those who wait for a preview that nobody makes any more."""
    return f"{previews.give_up_lost()} previews given up"


def recall_references() -> str:
    """Has the engine host forget what it could not be told when it was away."""
    return f"{recalls.carry_out()} references forgotten"


def tidy_examinations() -> str:
    """Ends looking at recordings that nobody looks at any more, and removes what is left of old ones."""
    return f"{examinations.tidy()} examinations given up"
