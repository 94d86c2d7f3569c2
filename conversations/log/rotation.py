"""A new master key: every conversation's key is wrapped anew under it, while conversations go on."""

from collections import Counter
from collections.abc import Callable

from django.db.models import QuerySet

from conversations.log import crypto
from conversations.log.errors import MasterKeyMissing
from conversations.log.gentle import short_write
from conversations.log.keys import unwrap, wrap
from conversations.log.models import Key, Purpose

BATCH = 200
"""Keys in one transaction."""


def pending() -> QuerySet[Key]:
    """The keys of conversations that are not under the present master key yet."""
    present = crypto.fingerprint(crypto.master_key())
    return Key.objects.filter(purpose=Purpose.STREAM, wrapped__isnull=False).exclude(master=present)


def unknown() -> dict[str, int]:
    """How many of them are under a master key that was not given, by its fingerprint."""
    given = list(crypto.master_keys())
    return dict(Counter(pending().exclude(master__in=given).values_list("master", flat=True)))


def rotate(progress: Callable[[int], object] = lambda _count: None, *, batch: int = BATCH) -> int:
    """Wraps anew what `pending` names and the keys given can open; returns how many keys that were.

    Killed at any point it has done whole keys: each row opens with one of the two master keys and says with which, so
    the next call goes on with the rest. A key that is destroyed meanwhile stays destroyed. ``progress`` is told how
    many more are done. Raises `MasterKeyMissing` when a key does not open.
    """
    masters = crypto.master_keys()
    present = crypto.fingerprint(crypto.master_key())
    done = 0
    while True:
        before = done
        after = None
        while page := _page(after, list(masters), batch):
            with short_write():
                changed = sum(_rewrap(row, masters, present) for row in page)
            progress(changed)
            done, after = done + changed, page[-1].id
        if done == before:  # What a server under the other key began meanwhile was found in another round.
            return done


def _page(after: object, given: list[str], batch: int) -> list[Key]:
    rows = pending().filter(master__in=given)
    if after is not None:
        rows = rows.filter(id__gt=after)
    return list(rows.order_by("id")[:batch])


def _rewrap(row: Key, masters: dict[str, bytes], present: str) -> int:
    try:
        secret = unwrap(row, masters)
    except MasterKeyMissing:
        if not Key.objects.filter(id=row.id, wrapped__isnull=False, master=row.master).exists():
            return 0
        raise
    wrapped = wrap(row, masters[present], secret)
    # Only if it still is what was read: it may have been destroyed, or be in another rotation's hands.
    still = Key.objects.filter(id=row.id, master=row.master, wrapped__isnull=False)
    return still.update(wrapped=wrapped, master=present)
