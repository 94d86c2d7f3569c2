"""What the task cluster does (`manage.py qcluster`); `schedules` says when. Each may run again at any time."""

from conversations import heads_export, presence
from conversations.flagging import applying


def apply_rules() -> str:
    """Raises the flags that the rules ask for, over what was said since the last time."""
    done = applying.apply_new()
    return f"{done.looked} looked at, {done.matched} matches"


def close_lost_sessions() -> str:
    """Closes, in the record, the sessions whose server died."""
    return f"{presence.sweep()} closed"


def export_heads() -> str:
    """The heads of all chains into ``AVATAR_HEADS_DIR``; returns the file's name."""
    return heads_export.export_to_directory().name
