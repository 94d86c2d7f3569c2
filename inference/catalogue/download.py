"""Brings one file here: streamed, hashed on the way, resumed after a cut, renamed into place only when right."""

import contextlib
import errno
import hashlib
import http
import http.client
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from inference.catalogue.errors import DiskFull, NoNetwork, WrongHash
from inference.catalogue.links import Link, host, open_link

STAGING = ".staging"
"""Folder in the models' folder (so on the same disk) for what is not finished."""
CHUNK = 1 << 20
ATTEMPTS = 6
"""Tries in a row that bring nothing before the network is given up."""
PAUSE_S = (0.2, 0.5, 1.0, 2.0, 4.0)

Progress = Callable[[int], None]
"""Told how many bytes more are here (negative when a file is begun again)."""


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Expected(msgspec.Struct, frozen=True):
    """What a file must be. ``git`` is a Git blob id, for a hub's small files that have no SHA-256."""

    size: int = 0
    sha256: str = ""
    git: str = ""

    def digest(self) -> Digest:
        if self.sha256 or not self.git:
            return hashlib.sha256()
        digest = hashlib.sha1(usedforsecurity=False)  # Git's own name for the content, not a secret
        digest.update(b"blob %d\0" % self.size)
        return digest

    def check(self, name: str, origin: str, digest: Digest) -> None:
        """Raises `WrongHash` when the content is another."""
        wanted, got = self.sha256 or self.git, digest.hexdigest()
        if wanted and got != wanted:
            raise WrongHash(
                f"{name} from {origin} has the SHA-256 {got}, but {wanted} is expected. It was changed or damaged on "
                "the way, and is not used. Run the same command again; if it happens again, do not trust that source."
            )


def download(link: Link, target: Path, expected: Expected, progress: Progress) -> None:
    """Fetches ``link`` into ``target``; a part that is already there (``.part``) is continued.

    Raises `NoNetwork` (the part is kept), `WrongHash` or `DiskFull` (the part is deleted).
    """
    if target.exists():
        digest = expected.digest()
        size = _hash_into(digest, target)
        with contextlib.suppress(WrongHash):
            expected.check(target.name, "an earlier try", digest)
            progress(size)
            return
        target.unlink()
    part = target.with_name(target.name + ".part")
    resumed = part.exists()
    try:
        _fetch(link, part, expected, progress)
    except WrongHash:
        progress(-part.stat().st_size)
        part.unlink()
        if not resumed:
            raise
        # What was kept from an earlier try may be the wrong half: one clean try decides.
        try:
            _fetch(link, part, expected, progress)
        except WrongHash:
            part.unlink()
            raise
    except OSError as error:
        raise storage_error(error, part) from error
    part.replace(target)


def storage_error(error: OSError, path: Path) -> Exception:
    """`DiskFull` for a full disk (``path`` is deleted to give the room back); other errors as they are."""
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return error
    path.unlink(missing_ok=True)
    free = shutil.disk_usage(path.parent).free
    return DiskFull(
        f"The disk of {_models_dir(path)} is full ({free >> 20} MB free); what was half-written is deleted. "
        "Free some room, or set AVATAR_MODELS_DIR to a larger disk, then run the same command again."
    )


def require_room(folder: Path, needed: int) -> None:
    """Raises `DiskFull` before anything is fetched when ``needed`` bytes do not fit."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFull(
            f"The disk of {_models_dir(folder)} has {free >> 20} MB free, and {(needed >> 20) + 1} MB are needed. "
            "Free some room, or set AVATAR_MODELS_DIR to a larger disk. Nothing was fetched."
        )


def _fetch(link: Link, part: Path, expected: Expected, progress: Progress) -> None:
    """Fills ``part`` to the end and checks it; tries again after cuts as long as bytes keep coming."""
    digest, have = expected.digest(), 0
    if expected.size and have_size(part) > expected.size:
        part.unlink()
    if part.exists():
        have = _hash_into(digest, part)
        progress(have)
    fruitless = 0
    while True:
        before = have
        try:
            digest, have = _receive(link, part, expected, progress, digest, have)
            break
        except NoNetwork as error:
            fruitless = fruitless + 1 if have_size(part) <= before else 0
            if fruitless >= ATTEMPTS - 1:
                kept = f" {have_size(part) >> 20} MB are kept for the next try." if have_size(part) else ""
                raise NoNetwork(error.message + kept) from None
            time.sleep(PAUSE_S[min(fruitless, len(PAUSE_S) - 1)])
            digest = expected.digest()
            have = _hash_into(digest, part) if part.exists() else 0
    expected.check(part.name.removesuffix(".part"), host(link.url), digest)


def _receive(
    link: Link, part: Path, expected: Expected, progress: Progress, digest: Digest, have: int
) -> tuple[Digest, int]:
    if expected.size and have == expected.size:
        return digest, have
    with open_link(link, start=have) as response:
        if have and response.status != http.HTTPStatus.PARTIAL_CONTENT:
            progress(-have)  # the server cannot resume: from the start
            digest, have = expected.digest(), 0
        announced = response.headers.get("Content-Length")
        end = have + int(announced) if announced else expected.size
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            while True:
                try:
                    data = response.read(CHUNK)
                except (OSError, http.client.HTTPException) as error:
                    raise NoNetwork(
                        f"The connection to {host(link.url)} broke: {error}. Run the command again."
                    ) from None
                if not data:
                    break
                file.write(data)
                digest.update(data)
                have += len(data)
                progress(len(data))
                if expected.size and have > expected.size:
                    raise WrongHash(
                        f"{part.stem} from {host(link.url)} is longer than the {expected.size} bytes expected; it is "
                        "not the file that the catalogue names, and is not used."
                    )
            file.flush()
            os.fsync(file.fileno())
    if end and have < end:
        raise NoNetwork(
            f"The connection to {host(link.url)} ended after {have} of {end} bytes. "
            "Check the network, then run the same command again; what arrived is kept."
        )
    return digest, have


def _models_dir(path: Path) -> Path:
    """The models' folder that people know, for a path in its staging folder."""
    return next((folder.parent for folder in (path, *path.parents) if folder.name == STAGING), path)


def have_size(path: Path) -> int:
    """Bytes of a file, 0 when there is none."""
    return path.stat().st_size if path.exists() else 0


def _hash_into(digest: Digest, path: Path) -> int:
    size = 0
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
            size += len(data)
    return size
