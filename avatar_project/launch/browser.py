"""`python -m avatar_project.launch.browser`: the browser's libraries, from npm's registry into static/vendor.

Pages do without them (no waveforms, no charts), so a start does not fail for them; `--required` makes it fail.
"""

import base64
import hashlib
import io
import shutil
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

import msgspec

from inference.catalogue.errors import PullFailed, WrongHash
from inference.catalogue.links import host, open_link
from inference.catalogue.npm import find_tarball
from inference.env import BASE_DIR
from inference.errors import EngineError

LIST = BASE_DIR / "requirements" / "browser.toml"
VENDOR = BASE_DIR / "static" / "vendor"
MOST_BYTES = 32 << 20


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``files``: members of the tarball, and where each goes under ``static/vendor/<folder>``."""

    package: str
    """``name@version``"""
    folder: str
    integrity: str
    files: dict[str, str]


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    library: tuple[Library, ...]


def libraries(path: Path = LIST) -> tuple[Library, ...]:
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _List).library


def is_installed(library: Library, vendor: Path = VENDOR) -> bool:
    """Whether just this version is there, whole."""
    folder = vendor / library.folder
    mark = folder / "INTEGRITY"
    try:
        fits = mark.read_text(encoding="utf-8") == library.integrity
    except OSError:
        return False
    return fits and all((folder / name).is_file() for name in library.files.values())


def install(library: Library, vendor: Path = VENDOR) -> None:
    """Fetches, checks and unpacks one library. Raises `EngineError`, `OSError`; what stood there stays until then."""
    link = find_tarball(library.package)
    with open_link(link) as response:
        content = response.read(MOST_BYTES + 1)
    digest = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != library.integrity:
        raise WrongHash(
            f"{library.package} from {host(link.url)} is not the file expected ({digest} instead of "
            f"{library.integrity}), and is not used. Do not trust that source."
        )
    vendor.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=vendor, prefix=".part-") as scratch:
        _unpack(library, content, Path(scratch) / library.folder)
        shutil.rmtree(vendor / library.folder, ignore_errors=True)
        (Path(scratch) / library.folder).rename(vendor / library.folder)


def _unpack(library: Library, content: bytes, folder: Path) -> None:
    folder.mkdir()
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for member, name in library.files.items():
                stream = archive.extractfile(member)
                if stream is None:
                    raise PullFailed(f"{library.package} has no file {member}.")
                (folder / name).write_bytes(stream.read())
    except (tarfile.TarError, KeyError) as error:
        raise PullFailed(f"{library.package} cannot be unpacked: {error}.") from None
    (folder / "INTEGRITY").write_text(library.integrity, encoding="utf-8")


def main(arguments: list[str]) -> int:
    missing = [library for library in libraries() if not is_installed(library)]
    for library in missing:
        try:
            install(library)
        except (EngineError, OSError) as error:
            print(
                f"{library.package} is not in static/vendor: {error} "
                "Until it is, pages show no waveforms or charts; everything else works. The next start tries again.",
                file=sys.stderr,
            )
            if "--required" in arguments:
                return 1
        else:
            print(f"{library.package}: in static/vendor/{library.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
