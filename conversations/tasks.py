"""What the task cluster does (`manage.py qcluster`); `schedules` says when. Each may run again at any time."""

from conversations import heads_export


def export_heads() -> str:
    """The heads of all chains into ``AVATAR_HEADS_DIR``; returns the file's name."""
    return heads_export.export_to_directory().name
