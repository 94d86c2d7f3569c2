"""After an erasure: the database is written anew without what was destroyed, when nobody is held up by it."""

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session as StoredSession
from django.db.models import Max, Model

from conversations.events import ConversationErased, TurnRedacted
from conversations.history_tables import SearchDocument, SearchToken, Title
from conversations.keeping import sweeping
from conversations.log import scrub
from conversations.log.models import Event, Key
from conversations.log.scrub import Scrubbed
from conversations.models import Turn
from conversations.people_events import PersonErased
from conversations.services import ending
from conversations.working_tables import Checkpoint
from voices import erasing as voices

ERASURES = (ConversationErased.type, TurnRedacted.type, PersonErased.type, *voices.ERASURES)
NAME = "purge"
"""Of the checkpoint: the last erasure of which the database holds no copy any more."""
LARGEST_BYTES = 512 << 20
"""A larger database is only rewritten by command: writing this much anew holds everybody up for some seconds."""


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
    """Where rows with wrapped keys, sealed words, tokens or names were overwritten or deleted."""
    person = get_user_model()._meta
    models: tuple[type[Model], ...] = (Key, Turn, Title, SearchDocument, SearchToken, StoredSession, *voices.SEALED)
    names = {model._meta.db_table for model in models}
    names |= {relation.related_model._meta.db_table for relation in person.related_objects}
    return tuple(sorted(names | {person.db_table}))
