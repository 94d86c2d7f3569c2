"""What the task cluster does for voices by the clock (`conversations.schedules`). Each may run again at any time."""

from voices.services import ending


def end_consents() -> str:
    """Withdraws consents that have come to their end."""
    return f"{ending.end_consents()} consents ended"
