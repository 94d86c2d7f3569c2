"""Makes a model's files from the members of wheels and tarballs, each checked as it is written."""

import os
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from inference.catalogue.download import CHUNK, Expected, Progress, storage_error
from inference.catalogue.entry import Archive, FileSpec, ModelEntry
from inference.catalogue.errors import PullFailed


def assemble(entry: ModelEntry, archives: Path, target: Path, progress: Progress) -> None:
    """Writes every file of ``entry`` into ``target`` from the archives in ``archives`` (by their names)."""
    opened = {key: _open(archives / archive.name, archive) for key, archive in entry.archives.items()}
    try:
        for file in entry.files:
            path = target / file.path
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(file, opened, path, progress)
            except OSError as error:
                raise storage_error(error, path) from error
    finally:
        for archive in opened.values():
            archive.close()


class _Opened:
    """A zip or a tar archive, read by member name."""

    def __init__(self, archive: zipfile.ZipFile | tarfile.TarFile, name: str) -> None:
        self._archive = archive
        self._name = name

    def close(self) -> None:
        self._archive.close()

    def read(self, member: str) -> Iterator[bytes]:
        with closing(self._member(member)) as stream:
            while data := stream.read(CHUNK):
                yield data

    def _member(self, member: str) -> IO[bytes]:
        try:
            stream = (
                self._archive.open(member)
                if isinstance(self._archive, zipfile.ZipFile)
                else self._archive.extractfile(member)
            )
        except KeyError:
            stream = None
        if stream is None:
            raise PullFailed(f"{self._name} has no {member}: the catalogue and the archive do not fit together.")
        return stream


def _open(path: Path, archive: Archive) -> _Opened:
    try:
        opened = zipfile.ZipFile(path) if archive.wheel else tarfile.open(path, "r:gz")  # noqa: SIM115  (closed by `_Opened`)
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise PullFailed(f"{archive.name} cannot be unpacked: {error}.") from None
    return _Opened(opened, archive.name)


def _write(file: FileSpec, opened: dict[str, _Opened], path: Path, progress: Progress) -> None:
    expected = Expected(file.size, file.sha256)
    digest = expected.digest()
    with path.open("wb") as out:
        for part in file.parts:
            key, _, member = part.partition(":")
            for data in opened[key].read(member):
                out.write(data)
                digest.update(data)
                progress(len(data))
        out.flush()
        os.fsync(out.fileno())
    expected.check(file.path, "the archives", digest)
