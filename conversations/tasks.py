"""What the task cluster does (`manage.py qcluster`); `schedules` says when. Each may run again at any time."""

from uuid import UUID

from django.utils import timezone

from conversations import search
from conversations.flagging import applying
from conversations.keeping import purging, retention, sweeping
from conversations.oversight import presence
from conversations.proof import heads_export
from conversations.services import erasure

_SEARCH_S = 300.0
"""Less than a task may last; the next minute goes on."""


def apply_retention() -> str:
    """Erases what was kept for as long as the operator allows."""
    erased = sum(1 for _ in retention.apply(retention.overdue(timezone.now())))
    return f"{erased} erased"


def finish_person(person: str, actor_id: str, reason: str) -> str:
    """Goes on with erasing a person where a kill has ended it."""
    erasure.finish_person(UUID(person), actor_id, reason)
    return "finished"


def purge_erased() -> str:
    """Removes what the database still holds of what was erased, when nobody is held up by it."""
    return purging.purge_quietly()


def sweep_sounds() -> str:
    """Removes the files of sounds that nothing names."""
    swept = sweeping.sweep()
    return f"{swept.destroyed + swept.unnamed} files removed, {swept.unknown} of unknown keys left"


def apply_rules() -> str:
    """Raises the flags that the rules ask for, over what was said since the last time."""
    done = applying.apply_new()
    return f"{done.looked} looked at, {done.matched} matches"


def catch_up_search() -> str:
    """Makes what was said since the last time searchable."""
    return f"{search.catch_up(for_s=_SEARCH_S)} events still to go"


def close_lost_sessions() -> str:
    """Closes, in the record, the sessions whose server died."""
    return f"{presence.sweep()} closed"


def export_heads() -> str:
    """The heads of all chains into ``AVATAR_HEADS_DIR``; returns the file's name."""
    return heads_export.export_to_directory().name
