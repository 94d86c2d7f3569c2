"""A stream's keys: read, made, destroyed. Used inside the writer's transaction or by a reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone
from uuid6 import uuid7

from conversations.log import crypto
from conversations.log.errors import KeyDestroyed, MasterKeyMissing
from conversations.log.models import Key, Purpose
from conversations.log.prepared import Insert, Select

_of_stream = Select(Key, "stream")
_of_turn = Select(Key, "stream", "turn")
_insert = Insert(Key)


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key in clear; ``id`` is what boxes and files remember of it."""

    id: UUID
    secret: bytes


@dataclass(slots=True)
class KeyRing:
    """The keys of one stream, unwrapped as they are asked for. Lives as long as one transaction or one read.

    Nothing is kept longer, so that a key that was destroyed by another process is gone for this one too.
    """

    stream: str
    rows: dict[tuple[str, str], Key] = field(default_factory=dict)
    by_id: dict[UUID, Key] = field(default_factory=dict)
    opened: dict[UUID, DataKey] = field(default_factory=dict)

    @classmethod
    def load(cls, stream: str, turns: Iterable[str] | None = None) -> "KeyRing":
        """All keys of the stream, or only its own and those of ``turns``."""
        ring = cls(stream)
        rows = _of_stream(stream) if turns is None else _of_turn.any(stream, of={"", *turns})
        for row in rows:
            ring._remember(row)
        return ring

    def _remember(self, row: Key) -> None:
        self.rows[row.turn, row.purpose] = row
        self.by_id[row.id] = row

    @classmethod
    def load_many(cls, turns: Mapping[str, str]) -> "dict[str, KeyRing]":
        """Rings of many streams in one query, each with the keys of one turn: ``turns`` maps streams to turns."""
        rings = {stream: cls(stream) for stream in turns}
        for row in Key.objects.filter(stream__in=turns.keys(), turn__in={"", *turns.values()}):
            rings[row.stream]._remember(row)
        return rings

    def stream_key(self, *, create: bool = False) -> DataKey:
        """Raises `KeyDestroyed`, also when the stream never had a key and none is to be made."""
        row = self.rows.get(("", Purpose.STREAM))
        if row is not None:
            return self._open(row)
        if not create:
            raise KeyDestroyed(f"The key of {self.stream} is gone: it was erased.")
        return self._create("", Purpose.STREAM)

    def data_key(self, turn: str, purpose: Purpose, *, create: bool = False) -> DataKey:
        """A turn's key; what belongs to no turn (``turn`` is empty) is under keys of its own just so."""
        row = self.rows.get((turn, purpose))
        if row is not None:
            return self._open(row)
        if not create:
            raise KeyDestroyed(f"The {purpose} key of a turn of {self.stream} is gone: it was erased.")
        return self._create(turn, purpose)

    def find(self, key_id: UUID) -> DataKey | None:
        """The key by its id; None when it was destroyed or lies under a destroyed stream key."""
        row = self.by_id.get(key_id)
        try:
            return self._open(row) if row is not None else None
        except KeyDestroyed:
            return None

    def _open(self, row: Key) -> DataKey:
        if (known := self.opened.get(row.id)) is not None:
            return known
        if row.wrapped is None:
            raise KeyDestroyed(f"The {row.purpose} key of {self.stream} was destroyed: what it opened is erased.")
        secret = unwrap(row, crypto.master_keys() if row.purpose == Purpose.STREAM else self.stream_key().secret)
        opened = self.opened[row.id] = DataKey(row.id, secret)
        return opened

    def _create(self, turn: str, purpose: Purpose) -> DataKey:
        row = Key(id=UUID(int=uuid7().int), stream=self.stream, turn=turn, purpose=purpose, created_at=timezone.now())
        if purpose == Purpose.STREAM:
            row.master = crypto.fingerprint(crypto.master_key())
            wrapping = crypto.master_key()
        else:
            wrapping = self.stream_key().secret
        secret = crypto.new_key()
        row.wrapped = wrap(row, wrapping, secret)
        _insert([row])
        self._remember(row)
        opened = self.opened[row.id] = DataKey(row.id, secret)
        return opened


def destroy(stream: str, turn: str | None = None, *, purpose: Purpose | None = None) -> int:
    """Destroys a turn's keys (or its key for one purpose), or all keys of the stream; returns how many.

    Call it inside the writer's transaction.
    """
    rows = Key.objects.filter(stream=stream, wrapped__isnull=False)
    if turn is not None:
        rows = rows.filter(turn=turn)
    if purpose is not None:
        rows = rows.filter(purpose=purpose)
    return rows.update(wrapped=None, destroyed_at=timezone.now())


def are_gone(stream: str) -> bool:
    """Whether the stream's own keys were destroyed: it was erased, and nothing can be sealed for it any more."""
    return Key.objects.filter(stream=stream, turn="", purpose=Purpose.STREAM, wrapped__isnull=True).exists()


def unwrap(row: Key, wrapping: bytes | Mapping[str, bytes]) -> bytes:
    """The key in clear; ``wrapping`` opens it, or maps the fingerprints of master keys to those that may.

    Raises `MasterKeyMissing`.
    """
    given = wrapping if isinstance(wrapping, bytes) else wrapping.get(row.master) or next(iter(wrapping.values()))
    try:
        return crypto.unseal(given, bytes(row.wrapped or b""), _context(row))
    except crypto.BoxDamaged as error:
        raise MasterKeyMissing(
            f"A key of {row.stream} does not open with this AVATAR_MASTER_KEY "
            f"(stored under {row.master or 'another'}, given {crypto.fingerprint(crypto.master_key())}): "
            "set the key that this data was stored under."
        ) from error


def wrap(row: Key, wrapping: bytes, secret: bytes) -> bytes:
    """``secret`` as it is stored in ``row.wrapped``: bound to the key's id, stream, turn and purpose."""
    return crypto.seal(wrapping, secret, _context(row))


def _context(row: Key) -> bytes:
    return f"{row.id.hex}|{row.stream}|{row.turn}|{row.purpose}".encode()
