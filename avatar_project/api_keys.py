"""Keys for programs: made, found, revoked. A key is shown once; the database keeps its hash alone.

A key reads ``avatar_PREFIX_SECRET``. The secret has 256 random bits, so a fast hash of it cannot be turned back by
trying (ADR 0077); slow password hashes are for what people can remember.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from avatar_project.models import ApiKey, User

SCOPES = {
    "conversations:read": "Read conversations: words, sound, statistics, exports",
    "conversations:write": "Rename, fork and erase conversations",
    "events:read": "Follow the feed of events",
    "voices:read": "Read voices: samples, previews, ratings",
    "voices:write": "Make, change, share and delete voices",
    "realtime": "Hold conversations over the Realtime socket",
    "audio": "Speak and transcribe at /v1/audio",
    "chat": "Use the chat model at /v1/chat",
    "system": "See and steer the engines at /api/system, for owners who may",
}
"""What a key may be for; the page says it in the reader's language."""
STATES = ("active", "expired", "revoked")
MARK = "avatar_"
"""A string that begins so claims to be one of our keys."""
KEYS_PER_PERSON = 50
NOTE_USE_EVERY = timedelta(minutes=1)
_ALPHABET = string.ascii_letters + string.digits
_KEY = re.compile(r"(avatar_[A-Za-z0-9]{10})_[A-Za-z0-9]{43}")
log = structlog.get_logger(__name__)


class KeyRefused(Exception):
    """A key cannot be made as asked; the message is for people, ``why`` for a page that says it in their language."""

    def __init__(self, why: Literal["guest", "name", "scopes", "past", "too_many"], message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment that it is known in clear."""

    row: ApiKey
    key: str


def create(owner: User, *, name: str, scopes: Iterable[str], expires_at: datetime | None) -> NewKey:
    """Makes a key. Raises `KeyRefused`."""
    chosen = sorted(set(scopes))
    name = name.strip()
    if owner.is_guest:
        raise KeyRefused("guest", "Guests have no keys: sign in first.")
    if not name or len(name) > 80 or "\x00" in name:
        raise KeyRefused("name", "A key needs a name of at most 80 characters, so that you know later what it is for.")
    if not chosen or not set(chosen) <= SCOPES.keys():
        raise KeyRefused("scopes", f"Choose one or more of the scopes {', '.join(SCOPES)}.")
    if expires_at is not None and expires_at <= timezone.now():
        raise KeyRefused("past", "The key would have expired already: choose a later time.")
    if owner.api_keys.filter(revoked_at=None).count() >= KEYS_PER_PERSON:
        raise KeyRefused("too_many", f"You have {KEYS_PER_PERSON} keys: revoke one that is not used any more.")
    prefix = MARK + _random(10)
    key = f"{prefix}_{_random(43)}"
    row = ApiKey.objects.create(
        owner=owner, name=name, prefix=prefix, digest=_digest(key), scopes=chosen, expires_at=expires_at
    )
    log.info("api_key_created", key=prefix, owner=str(owner.pk), scopes=chosen)
    return NewKey(row, key)


def revoke(key: ApiKey) -> None:
    """The key opens nothing from now on; a second call changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        log.info("api_key_revoked", key=key.prefix, owner=str(key.owner_id))


def looks_like_ours(key: str) -> bool:
    """Whether a string claims to be one of our keys: then it must be valid, and is never taken as a guest's."""
    return key.startswith(MARK)


def find(key: str) -> ApiKey | None:
    """The valid key with its owner; None when it is unknown, expired or revoked, or its owner is blocked."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    row = ApiKey.objects.select_related("owner").filter(prefix=match[1]).first()
    # Compared also when there is none, so that the time tells nothing.
    same = hmac.compare_digest(row.digest if row is not None else "", _digest(key))
    if row is None or not same or not is_valid(row):
        return None
    note_use(row)
    return row


def find_again(key: ApiKey) -> ApiKey | None:
    """The same key as it stands now, if it is still valid: for what lasts longer than a request."""
    row = ApiKey.objects.select_related("owner").filter(pk=key.pk).first()
    return row if row is not None and is_valid(row) else None


def is_valid(key: ApiKey) -> bool:
    return key.state == "active" and key.owner.is_active


def note_use(key: ApiKey) -> None:
    """Writes down that the key was used, at most once a minute; that it could not be written stops nobody."""
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < NOTE_USE_EVERY:
        return
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTE_USE_EVERY)
    try:
        ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)
    except DatabaseError as error:
        log.warning("api_key_use_not_noted", key=key.prefix, error=type(error).__name__)


def keys_of(owner: User) -> Sequence[ApiKey]:
    """An owner's keys, the newest first, revoked ones too."""
    return list(owner.api_keys.all()[: 4 * KEYS_PER_PERSON])


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
