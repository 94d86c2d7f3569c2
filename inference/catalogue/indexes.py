"""Finds a wheel in the package indexes that pip is configured for (the simple API, in JSON or HTML)."""

import html.parser
import re
import urllib.parse
import urllib.request
from pathlib import Path

import msgspec

from inference.catalogue import pip_settings
from inference.catalogue.errors import PullFailed
from inference.catalogue.links import Link, host, read_page

ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"


class _File(msgspec.Struct):
    filename: str
    url: str


class _Project(msgspec.Struct):
    files: list[_File]


def find_wheel(filename: str) -> Link:
    """Where this wheel is; raises `PullFailed` when no configured index has it, `NoNetwork` when none answers."""
    settings = pip_settings.read()
    project = re.sub(r"[-_.]+", "-", filename.partition("-")[0]).lower()
    pages = [*settings.find_links, *(f"{index.rstrip('/')}/{project}/" for index in settings.indexes)]
    failures: list[PullFailed] = []
    for page in pages:
        try:
            url = _find_on_page(page, filename, settings)
        except PullFailed as error:
            failures.append(error)
            continue
        if url:
            return Link(url, cafile=settings.cert, proxy=settings.proxy)
    network = [error for error in failures if not error.permanent]
    if failures and len(failures) == len(pages):
        raise (network or failures)[0]
    places = ", ".join(host(page) for page in pages) or "nowhere (pip's no-index is set)"
    raise PullFailed(
        f"No package index has {filename} (looked at: {places}). pip's settings say which indexes are asked: "
        "set PIP_INDEX_URL or PIP_EXTRA_INDEX_URL to one that has it."
    )


def _find_on_page(page: str, filename: str, settings: pip_settings.PipSettings) -> str:
    """The wheel's URL on this page, or "" when the page does not name it."""
    folder = _local_folder(page)
    if folder is not None:
        if (folder / filename).is_file():
            return (folder / filename).resolve().as_uri()
        listing = folder / "index.html"
        if not listing.is_file():
            return ""
        content, base = listing.read_bytes(), listing.resolve().as_uri()
    else:
        link = Link(page, {"Accept": ACCEPT}, settings.cert, settings.proxy)
        content, base = read_page(link)
    return next((url for name, url in _links(content, base) if name == filename), "")


def _local_folder(page: str) -> Path | None:
    parts = urllib.parse.urlsplit(page)
    if parts.scheme == "file":
        return Path(urllib.request.url2pathname(parts.path))
    return None if parts.scheme in {"http", "https"} else Path(page)


def _links(content: bytes, base: str) -> list[tuple[str, str]]:
    """(file name, absolute URL without its fragment) of each file on a simple page."""
    if content.lstrip().startswith(b"{"):
        try:
            files = msgspec.json.decode(content, type=_Project).files
        except msgspec.MsgspecError:
            return []
        found = [(file.filename, file.url) for file in files]
    else:
        parser = _Anchors()
        parser.feed(content.decode("utf-8", "replace"))
        found = [(urllib.parse.unquote(Path(urllib.parse.urlsplit(url).path).name), url) for url in parser.targets]
    return [(name, urllib.parse.urldefrag(urllib.parse.urljoin(base, url)).url) for name, url in found]


class _Anchors(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for key, value in attrs if key == "href" and value]
