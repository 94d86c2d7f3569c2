"""AES-256-GCM boxes: 12 bytes of nonce, ciphertext, 16 bytes of tag."""

import base64
import binascii
import functools
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from conversations.log.errors import MasterKeyMissing

KEY_BYTES = 32
NONCE_BYTES = 12


class BoxDamaged(Exception):
    """The box was not made by this key for this context, or was changed."""


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """``context`` is bound to the box but not inside it: the same must be given to `unseal`."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, box: bytes, context: bytes) -> bytes:
    """Raises `BoxDamaged`."""
    try:
        return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise BoxDamaged from error


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def mac(key: bytes, purpose: bytes, content: bytes) -> str:
    """HMAC-SHA256 (hexadecimal) under a key of its own derived from ``key`` for ``purpose``."""
    derived = hmac.digest(key, purpose, "sha256")
    return hmac.new(derived, content, "sha256").hexdigest()


def parse_master_key(value: str) -> bytes:
    """32 bytes from base64; raises `ValueError` saying what is wrong without repeating the secret."""
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("is not base64") from error
    if len(key) != KEY_BYTES:
        raise ValueError(f"holds {len(key)} bytes, not {KEY_BYTES}")
    return key


def master_key() -> bytes:
    """The key that wraps the keys of new conversations; raises `MasterKeyMissing`."""
    value: str = getattr(settings, "AVATAR_MASTER_KEY", "")
    if not value:
        raise MasterKeyMissing("AVATAR_MASTER_KEY is not set: it takes 32 random bytes in base64.")
    return _parsed("AVATAR_MASTER_KEY", value)


def master_keys() -> dict[str, bytes]:
    """All master keys that may open a conversation, by fingerprint: the present one, then while keys are being
    rotated the other one. Raises `MasterKeyMissing`."""
    keys = [master_key()]
    if other := getattr(settings, "AVATAR_MASTER_KEY_PREVIOUS", ""):
        keys.append(_parsed("AVATAR_MASTER_KEY_PREVIOUS", other))
    return {fingerprint(key): key for key in keys}


@functools.lru_cache(maxsize=4)
def _parsed(name: str, value: str) -> bytes:
    try:
        return parse_master_key(value)
    except ValueError as error:
        raise MasterKeyMissing(f"{name} {error}: it takes 32 random bytes in base64.") from error


@functools.lru_cache(maxsize=4)
def fingerprint(key: bytes) -> str:
    """Names a master key without telling anything of it."""
    return hashlib.sha256(b"avatar master key" + key).hexdigest()[:16]
