"""A hub of models (the Hugging Face API): what a repository holds, and where its files are (``HF_ENDPOINT``)."""

import urllib.parse
from typing import TypeVar

import msgspec

from inference.catalogue.errors import PullFailed
from inference.catalogue.links import Link, host, read_page
from inference.env import Environment

T = TypeVar("T")


class _Lfs(msgspec.Struct):
    oid: str
    size: int


class HubFile(msgspec.Struct):
    """A file as the hub lists it: its Git blob id, or for a large file its SHA-256 in ``lfs.oid``."""

    path: str
    type: str = "file"
    oid: str = ""
    size: int = 0
    lfs: _Lfs | None = None


class _Card(msgspec.Struct):
    license: str | list[str] | None = None
    language: str | list[str] | None = None


class Repository(msgspec.Struct):
    """What the hub says of a repository at a revision; ``sha`` is the commit that the revision names now."""

    sha: str
    cardData: _Card | None = None  # noqa: N815  (the hub's own name)

    @property
    def licence(self) -> str:
        value = self.cardData.license if self.cardData else None
        return ", ".join(value) if isinstance(value, list) else value or "not stated"

    @property
    def languages(self) -> tuple[str, ...]:
        value = self.cardData.language if self.cardData else None
        return tuple(value) if isinstance(value, list) else (value,) if value else ()


def endpoint() -> str:
    return Environment().url("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def describe(repository: str, revision: str = "main") -> Repository:
    """Licence, languages and commit of a repository."""
    url = f"{endpoint()}/api/models/{repository}/revision/{urllib.parse.quote(revision, safe='')}"
    return _decode(url, Repository)


def listing(repository: str, revision: str) -> list[HubFile]:
    """All files of a repository at a revision."""
    url = f"{endpoint()}/api/models/{repository}/tree/{urllib.parse.quote(revision, safe='')}?recursive=true"
    return [file for file in _decode(url, list[HubFile]) if file.type == "file"]


def file_link(repository: str, revision: str, path: str) -> Link:
    """Where one file of a repository is."""
    quoted = urllib.parse.quote(path)
    return Link(f"{endpoint()}/{repository}/resolve/{urllib.parse.quote(revision, safe='')}/{quoted}", _headers())


def _headers() -> dict[str, str]:
    token = Environment().text("HF_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _decode(url: str, kind: type[T]) -> T:
    content, _ = read_page(Link(url, _headers()))
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise PullFailed(
            f"{host(url)} did not answer as a model hub does ({error}). Check HF_ENDPOINT, which is {endpoint()}."
        ) from None
