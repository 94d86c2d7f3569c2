"""The heads of all chains as a signed file, to be kept where the database is not.

The log proves itself from within, but whoever can rewrite all of it can make a chain that holds. A head that lies
elsewhere cannot be rewritten with it: the log must still have that event, with that hash, at that place.
"""

import base64
import functools
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from conversations.log import crypto
from conversations.log.chain import timestamp
from conversations.log.models import Head

FORMAT = "avatar heads 1"
_PURPOSE = b"avatar heads: Ed25519 signing key"


class HeadsRefused(Exception):
    """The file is not what was exported, or who signed it is not known. The message is for people."""


class ExportedHead(msgspec.Struct, frozen=True, array_like=True):
    """The end of one stream at the moment of the export."""

    stream: str
    sequence: int
    position: int
    hash: str


class Statement(msgspec.Struct, frozen=True):
    """What is signed."""

    format: str
    made_at: datetime
    highest_position: int
    streams: int
    digest: str
    """SHA-256 (hexadecimal) over the heads, each as JSON with a newline after it, in the order of their streams."""


class HeadsFile(msgspec.Struct, frozen=True):
    """A file of heads. ``public_key`` and ``signature`` are base64; the signature is over `Statement` as JSON."""

    statement: Statement
    public_key: str
    signature: str
    heads: tuple[ExportedHead, ...]


def export() -> HeadsFile:
    """The heads as they stand, signed. Raises `errors.MasterKeyMissing`."""
    # One statement, so one moment; the newest event of all is some stream's head.
    rows = Head.objects.order_by("stream").values_list("stream", "sequence", "position", "hash")
    heads = tuple(ExportedHead(*row) for row in rows)
    statement = Statement(
        format=FORMAT,
        made_at=datetime.now(UTC),
        highest_position=max((head.position for head in heads), default=0),
        streams=len(heads),
        digest=_digest(heads),
    )
    key = signing_key(crypto.master_key())
    signature = base64.b64encode(key.sign(_signed(statement))).decode()
    return HeadsFile(statement, public_text(key.public_key()), signature, heads)


def encode(file: HeadsFile) -> bytes:
    """The file's bytes: JSON with a head on each line."""
    front = msgspec.json.encode({"statement": file.statement, "public_key": file.public_key})
    lines = b",\n".join(msgspec.json.encode(head) for head in file.heads)
    signature = msgspec.json.encode(file.signature)
    return front[:-1] + b',"signature":' + signature + b',"heads":[\n' + lines + b"\n]}\n"


def read(content: bytes, public_key: str = "") -> HeadsFile:
    """The file, once its digest and signature hold.

    ``public_key`` is the one that the operator kept; empty: the file must be signed by the key of the present master
    key, or of the previous one. Raises `HeadsRefused`, `errors.MasterKeyMissing`.
    """
    try:
        file = msgspec.json.decode(content, type=HeadsFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HeadsRefused("This is not a file of heads, or it was cut short.") from error
    if file.statement.format != FORMAT:
        raise HeadsRefused(f"This file's format is {file.statement.format!r}; {FORMAT!r} is known here.")
    trusted = [public_key] if public_key else own_public_keys()
    if file.public_key not in trusted:
        raise HeadsRefused(
            f"The file is signed by the key {file.public_key}, which is "
            + ("not the one given." if public_key else "not this server's: give the one you kept as --public-key.")
        )
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(file.public_key, validate=True))
        key.verify(base64.b64decode(file.signature, validate=True), _signed(file.statement))
    except (InvalidSignature, ValueError) as error:
        raise HeadsRefused("The file was changed: its signature does not hold.") from error
    if _digest(file.heads) != file.statement.digest or len(file.heads) != file.statement.streams:
        raise HeadsRefused("The file was changed: its heads are not those that were signed.")
    return file


def own_public_keys() -> list[str]:
    """The public keys that this server signs with: of the present master key, and of the previous one if it is set."""
    return [public_text(signing_key(master).public_key()) for master in crypto.master_keys().values()]


@functools.lru_cache(maxsize=4)
def signing_key(master: bytes) -> Ed25519PrivateKey:
    """Derived from the master key by HKDF-SHA256 (RFC 5869): nothing more to keep secret, and the same each time."""
    return Ed25519PrivateKey.from_private_bytes(
        HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(master)
    )


def public_text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


def _digest(heads: Sequence[ExportedHead]) -> str:
    total = hashlib.sha256()
    for head in heads:
        total.update(msgspec.json.encode(head) + b"\n")
    return total.hexdigest()


def _signed(statement: Statement) -> bytes:
    values = msgspec.structs.asdict(statement) | {"made_at": timestamp(statement.made_at)}
    return msgspec.json.encode(values, order="sorted")
