"""Sound beside the log: encrypted in chunks so that any range can be read, under an opaque id, on disk before it is
spoken of.

A file: a header (magic, key id, nonce prefix, length of the plain sound), then chunks of `CHUNK` plain bytes, each
AES-256-GCM with a tag of its own. Header, id and index are bound to every chunk, so that none can be left out,
swapped, or taken from another file.
"""

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.keys import DataKey

CHUNK = 16 * 1024
TAG = 16
_HEADER = struct.Struct(">4s16s8sQ")
_MAGIC = b"AVA1"

FindKey = Callable[[UUID], DataKey | None]
"""`KeyRing.find` of the stream that the sound belongs to."""


@dataclass(frozen=True, slots=True)
class AudioStore:
    """``root`` is ``DATA_DIR/audio``. Blocking: call it from a thread for files."""

    root: Path

    def write(self, key: DataKey, plain: bytes) -> str:
        """Stores ``plain`` (an encoded file, such as Ogg Opus); durable on return. Returns the opaque id."""
        audio_id = uuid4().hex
        prefix = os.urandom(8)
        header = _HEADER.pack(_MAGIC, key.id.bytes, prefix, len(plain))
        cipher = AESGCM(key.secret)
        folder = self._folder(audio_id)
        partial = folder / f".{audio_id}.part"
        try:
            with partial.open("xb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(header)
                for index, start in enumerate(range(0, len(plain), CHUNK)):
                    chunk = plain[start : start + CHUNK]
                    file.write(cipher.encrypt(_nonce(prefix, index), chunk, _context(header, audio_id, index)))
                file.flush()
                os.fsync(file.fileno())
            partial.rename(folder / audio_id)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(folder)
        return audio_id

    def open(self, audio_id: str, find_key: FindKey) -> "StoredAudio":
        """Raises `AudioMissing` when the file or its key is gone, `AudioDamaged` when it is no such file."""
        path = self._path(audio_id)
        try:
            with path.open("rb") as file:
                header = file.read(_HEADER.size)
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise AudioMissing("The file of this sound is gone.") from error
        if len(header) != _HEADER.size or not header.startswith(_MAGIC):
            raise AudioDamaged("The file of this sound has no header of ours.")
        _magic, key_id, prefix, length = _HEADER.unpack(header)
        chunks = -(-length // CHUNK)
        if size != _HEADER.size + length + chunks * TAG:
            raise AudioDamaged("The file of this sound has not the length it was stored with.")
        key = find_key(UUID(bytes=key_id))
        if key is None:
            raise AudioMissing("The key of this sound was destroyed: it was erased.")
        return StoredAudio(path, audio_id, header, prefix, length, AESGCM(key.secret))

    def delete(self, audio_id: str) -> bool:
        """Removes the file; False when there was none."""
        try:
            self._path(audio_id).unlink()
        except (FileNotFoundError, AudioMissing):
            return False
        return True

    def files(self) -> Iterator[tuple[str, UUID, float]]:
        """Every stored sound: its id, the id of its key, and when it was written (Unix time). Others are passed."""
        for path in self.root.glob("??/" + "[0-9a-f]" * 32):
            try:
                with path.open("rb") as file:
                    header = file.read(_HEADER.size)
                    written_at = os.fstat(file.fileno()).st_mtime
            except OSError:
                continue  # deleted meanwhile
            if len(header) == _HEADER.size and header.startswith(_MAGIC):
                _magic, key_id, _prefix, _length = _HEADER.unpack(header)
                yield path.name, UUID(bytes=key_id), written_at

    def remove_partial(self, *, before: float) -> None:
        """Removes what was being written when a process was killed, if that is older (Unix time)."""
        for path in self.root.glob("??/.*.part"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _path(self, audio_id: str) -> Path:
        if len(audio_id) != 32 or not set(audio_id) <= set("0123456789abcdef"):
            raise AudioMissing("There is no such sound.")
        return self.root / audio_id[:2] / audio_id

    def _folder(self, audio_id: str) -> Path:
        folder = self.root / audio_id[:2]
        if not folder.is_dir():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self.root)
            _sync_folder(self.root.parent)
        return folder


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """A stored sound, open for reading any range of its ``length`` bytes."""

    path: Path
    audio_id: str
    header: bytes
    prefix: bytes
    length: int
    cipher: AESGCM

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes ``start`` up to ``stop`` of the plain sound."""
        return b"".join(self.chunks(start, stop))

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The same, piece by piece; only what is needed is read and decrypted. Raises `AudioDamaged`."""
        end = self.length if stop is None else min(stop, self.length)
        if start < 0 or start >= end:
            return
        with self.path.open("rb") as file:
            for index in range(start // CHUNK, (end - 1) // CHUNK + 1):
                chunk = self._chunk(file, index)
                base = index * CHUNK
                yield chunk[max(start - base, 0) : end - base]

    def _chunk(self, file: BinaryIO, index: int) -> bytes:
        file.seek(_HEADER.size + index * (CHUNK + TAG))
        box = file.read(CHUNK + TAG)
        try:
            return self.cipher.decrypt(_nonce(self.prefix, index), box, _context(self.header, self.audio_id, index))
        except InvalidTag as error:
            raise AudioDamaged(f"Chunk {index} of this sound was changed.") from error


def _nonce(prefix: bytes, index: int) -> bytes:
    return prefix + index.to_bytes(4, "big")


def _context(header: bytes, audio_id: str, index: int) -> bytes:
    return header + audio_id.encode() + index.to_bytes(4, "big")


def _sync_folder(folder: Path) -> None:
    """A new name is durable only once its directory is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
