"""After an erasure: the database is written anew without what was destroyed, when nobody is held up by it."""

from django.db.models import Max

from conversations import sweeping
from conversations.events import ConversationErased, TurnRedacted
from conversations.log import scrub
from conversations.log.models import Event, Key
from conversations.log.scrub import Scrubbed
from conversations.models import Conversation, Turn
from conversations.people_events import PersonErased
from conversations.services import ending
from conversations.working_tables import Checkpoint

ERASURES = (ConversationErased.type, TurnRedacted.type, PersonErased.type)
NAME = "purge"
"""Of the checkpoint: the last erasure of which the database holds no copy any more."""
LARGEST_BYTES = 1 << 30
"""A larger database is only rewritten by command: writing 1 GB anew holds everybody up for about ten seconds."""


def due() -> int | None:
    """The position of the last erasure that was not followed by a purge; None when there is none."""
    newest: int | None = Event.objects.filter(type__in=ERASURES).aggregate(last=Max("position"))["last"]
    purged = Checkpoint.objects.filter(name=NAME).values_list("position", flat=True).first() or 0
    return newest if newest is not None and newest > purged else None


def purge() -> Scrubbed:
    """Removes what is left of everything that was erased, now; others wait meanwhile. Not inside a transaction."""
    position = due()
    swept = sweeping.sweep()
    scrubbed = scrub.rewrite(tables())
    scrubbed.done.insert(0, f"{swept.destroyed + swept.unnamed} files of sounds removed")
    if swept.unknown:
        scrubbed.beyond.append(
            f"{swept.unknown} files of sounds were left whose keys this database has never held: it may be an older "
            "copy. If it is not, delete them by hand."
        )
    if position is not None and not scrubbed.failed:
        Checkpoint.objects.update_or_create(name=NAME, defaults={"position": position})
    return scrubbed


def purge_quietly() -> str:
    """`purge` if there is something to purge, nobody talks and the database is small; returns what came of it."""
    if due() is None:
        return "nothing to purge"
    scrub.empty_journal()
    if scrub.size() > LARGEST_BYTES:
        return "the database is large: run manage.py purge_erased in a quiet hour"
    if ending.somebody_talks():
        return "somebody talks: later"
    scrubbed = purge()
    return "; ".join((*scrubbed.done, *scrubbed.failed))


def tables() -> tuple[str, ...]:
    """Where rows with wrapped keys or sealed words were overwritten or deleted."""
    return tuple(model._meta.db_table for model in (Key, Turn, Conversation))
