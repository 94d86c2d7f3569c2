"""Requests to an engine host: connections that are kept, times that are bounded, errors that are ours."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import aiohttp

from inference import wire
from inference.errors import EngineUnavailable
from inference.wire_errors import read_error

_CONNECT_TRIES = 3
_CONNECT_RETRY_S = 0.1
_CONNECT_TIMEOUT_S = 3.0
_SILENCE_TIMEOUT_S = 130.0
"""Longest pause within an answer; the host gives up on its engines earlier."""
CALL_TIMEOUT_S = 90.0
_KEEPALIVE_S = 30.0
_CONNECTIONS = 256


class Transport:
    """One pool of connections to ``url``, of one event loop, until `close`; requests go to paths below it."""

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url
        self._socket = url.removeprefix("unix:") if url.startswith("unix:") else None
        self._base = "http://engine-host" if self._socket else url.rstrip("/").removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Ends all connections, and with them all work."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def whole(
        self,
        method: str,
        path: str,
        due_in_s: float,
        *,
        data: aiohttp.FormData | bytes | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
        tries: int = _CONNECT_TRIES,
    ) -> bytes:
        """The whole body of the answer, within ``timeout_s``."""
        with broken_off():
            async with asyncio.timeout(timeout_s):
                opened = self.open(method, path, due_in_s, data=data, expires_in_s=timeout_s, tries=tries)
                async with await opened as response:
                    return await response.read()

    async def open(
        self,
        method: str,
        path: str,
        due_in_s: float,
        *,
        data: aiohttp.FormData | bytes | None = None,
        expires_in_s: float | None = None,
        tries: int = _CONNECT_TRIES,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> aiohttp.ClientResponse:
        """Sends a request; the response, when it succeeded. Leaving the response's block early hangs up."""
        headers = {**headers, wire.DUE_HEADER: f"{due_in_s * 1000:.0f}"}
        if isinstance(data, bytes):
            headers["Content-Type"] = "application/json" if data[:1] == b"{" else "application/octet-stream"
        if expires_in_s is not None:
            headers[wire.EXPIRES_HEADER] = f"{expires_in_s * 1000:.0f}"
        for left in reversed(range(tries)):
            try:
                response = await self._session().request(method, self._base + path, data=data, headers=headers)
            except aiohttp.ClientConnectorError as error:  # nothing was sent: trying again repeats nothing
                if not left:
                    raise EngineUnavailable(f"No engine host answers at {self.url}. Is it running?") from error
                await asyncio.sleep(_CONNECT_RETRY_S)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise _hung_up(error) from error
            else:
                break
        if response.status < 400:
            return response
        async with response:
            with broken_off():
                raise read_error(response.status, await response.read())

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector: aiohttp.BaseConnector
            if self._socket:
                connector = aiohttp.UnixConnector(self._socket, limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_S)
            else:
                connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_S)
            self._http = aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=_TIMEOUT)
        return self._http


_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S)


@contextmanager
def broken_off() -> Iterator[None]:
    """What goes wrong while an answer is read, as `EngineUnavailable`."""
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _hung_up(error) from error


def _hung_up(error: Exception) -> EngineUnavailable:
    if isinstance(error, TimeoutError):
        return EngineUnavailable("The engine host took too long to answer.")
    return EngineUnavailable("The engine host hung up; it may be restarting.")
