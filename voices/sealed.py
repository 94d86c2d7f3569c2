"""What of a sample is sealed in its row, as in the log: what was said, and what the voice is like."""

import base64
from uuid import UUID

import msgspec
import numpy as np

from conversations.log import crypto
from conversations.log.keys import DataKey, KeyRing
from voices.models import Preview, Sample


class SampleWords(msgspec.Struct, frozen=True):
    transcript: str
    embedding: str
    """As in `events.SampleAdded`."""


def seal(words: SampleWords, key: DataKey, sample_id: str) -> bytes:
    return key.id.bytes + crypto.seal(key.secret, msgspec.json.encode(words), f"sample|{sample_id}".encode())


def unseal(sample: Sample, ring: KeyRing) -> SampleWords | None:
    """None when they were erased. Raises `crypto.BoxDamaged`."""
    plain = _opened(sample.sealed, ring, f"sample|{sample.id}")
    return msgspec.json.decode(plain, type=SampleWords) if plain is not None else None


def seal_text(text: str, key: DataKey, preview_id: str) -> bytes:
    return key.id.bytes + crypto.seal(key.secret, text.encode(), f"preview|{preview_id}".encode())


def unseal_text(preview: Preview, ring: KeyRing) -> str:
    """What a preview says; empty when it was erased."""
    plain = _opened(preview.sealed_text, ring, f"preview|{preview.id}")
    return plain.decode() if plain is not None else ""


def pack_embedding(values: tuple[float, ...]) -> str:
    """256 floats as base64 of little-endian float32; no values, an empty string."""
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode() if values else ""


def unpack_embedding(text: str) -> tuple[float, ...]:
    return tuple(np.frombuffer(base64.b64decode(text), "<f4").tolist()) if text else ()


def _opened(sealed: bytes | memoryview | None, ring: KeyRing, context: str) -> bytes | None:
    if sealed is None:
        return None
    box = bytes(sealed)
    if len(box) < 16:
        raise crypto.BoxDamaged
    key = ring.find(UUID(bytes=box[:16]))
    return crypto.unseal(key.secret, box[16:], context.encode()) if key is not None else None
