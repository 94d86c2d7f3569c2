"""Sound over HTTP: whole or a range of it, a piece at a time, never kept by anybody between (RFC 9110, section 14)."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

T = TypeVar("T")
AT_ONCE_BYTES = 256 * 1024
"""Sent as fast as it is made: a minute of sound. Then it is paced, since nobody tells us how fast it is taken."""
PACED_BYTES_PER_S = 128 * 1024
"""Over twenty times faster than it is heard."""
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
"""Longer numbers make no range that anything has: they are taken as none."""
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sounds")
"""Decoding and encoding, beside the live conversations of this process: no more than two at a time."""


class Source(Protocol):
    """Bytes that can be read from any place: a stored sound, or one that is made as it is read."""

    @property
    def length(self) -> int: ...
    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]: ...


class NotThere(Exception):
    """The range lies beyond the end."""


def serve(request: HttpRequest, source: Source, etag: str, *, content_type: str = "audio/ogg") -> HttpResponseBase:
    """200, 206 for one range, 304 for what the browser has, 416 for a range beyond the end.

    Several ranges at once are answered with the whole, as a server may.
    """
    quoted = f'"{etag}"'
    if _matches(request.headers.get("If-None-Match", ""), quoted):
        return described(HttpResponse(status=304), quoted)
    try:
        wanted = _wanted(request, source.length, quoted)
    except NotThere:
        refused = described(HttpResponse(status=416), quoted)
        refused["Content-Range"] = f"bytes */{source.length}"
        return refused
    start, stop = wanted or (0, source.length)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=content_type)
    else:
        response = StreamingHttpResponse(_sent(source.chunks(start, stop)), content_type=content_type)
    response["Content-Length"] = str(stop - start)
    if wanted is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{source.length}"
    return described(response, quoted)


def described(response: HttpResponseBase, quoted_etag: str) -> HttpResponseBase:
    """A browser may keep it, for this person alone, and asks each time whether it still may: it may be erased."""
    response["ETag"] = quoted_etag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


async def in_thread(work: Callable[[], T]) -> T:
    """Runs ``work``, which must not use the database, beside everything else."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)


async def _sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    while (piece := await in_thread(lambda: next(pieces, None))) is not None:
        yield piece
        sent += len(piece)
        due = began + (sent - AT_ONCE_BYTES) / PACED_BYTES_PER_S
        if due > loop.time():
            await asyncio.sleep(due - loop.time())


def _wanted(request: HttpRequest, length: int, quoted_etag: str) -> tuple[int, int] | None:
    """The range asked for as start and stop; None for all of it. Raises `NotThere`."""
    asked = request.headers.get("Range", "")
    unchanged = request.headers.get("If-Range", quoted_etag) == quoted_etag
    found = _RANGE.fullmatch(asked.replace(" ", ""))
    if request.method != "GET" or not unchanged or found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:  # the last so many bytes
        start, stop = max(0, length - int(last)), length
    else:
        start, stop = int(first), min(int(last) + 1, length) if last else length
        if last and int(last) < start:
            return None
    if start >= stop:
        raise NotThere
    return start, stop


def _matches(header: str, quoted_etag: str) -> bool:
    return header.strip() == "*" or quoted_etag in (tag.strip().removeprefix("W/") for tag in header.split(","))
