"""Runs pip for an environment that is being made, and reads how far it is."""

import asyncio
import re
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from inference.env import for_others
from inference.errors import EngineError

_COLLECTING = re.compile(r"^(?:Collecting|Processing|Requirement already satisfied:?)\s+(\S+)")
_RAW = re.compile(r"^Progress (\d+) of (\d+)$")
_DOWNLOADED_SHARE = 0.85
"""Of the whole making; the rest is unpacking."""
_LONGEST_S = 3 * 3600.0
_SAID_LINES = 30
_NOT_FOUND = "No matching distribution found"
_NO_NETWORK = re.compile(r"NewConnectionError|ConnectTimeout|ProxyError|name resolution|unreachable|SSLError")


class Making(msgspec.Struct, frozen=True):
    """How far the making of an environment is: 0..1, and in words."""

    progress: float
    detail: str


Tell = Callable[[Making], None]


class NotFound(EngineError):
    """The package index has no such package in this version."""


class PipProgress:
    """Reads pip's lines (``--progress-bar raw``): which package of how many, and how much of it."""

    def __init__(self, name: str, packages: int) -> None:
        self._name = name
        self._packages = max(packages, 1)
        self._begun = 0
        self._package = ""
        self._part = 0.0

    @property
    def _share(self) -> float:
        return (max(self._begun - 1, 0) + self._part) / self._packages * _DOWNLOADED_SHARE

    def read(self, line: str) -> Making | None:
        """What this line says of the progress, if anything."""
        if found := _COLLECTING.match(line):
            self._begun += 1
            name = found.group(1).rpartition("/")[2]  # of a file, where the package comes from a folder
            self._package, self._part = re.split(r"[=<>@;[-](?=\d)|[=<>@;[]", name)[0], 0.0
        elif (found := _RAW.match(line)) and int(found.group(2)):
            self._part = int(found.group(1)) / int(found.group(2))
        elif line.startswith("Installing collected packages"):
            self._part = 1.0
            return Making(self._share, f"Unpacking {self._name}'s packages.")
        else:
            return None
        begun = min(self._begun, self._packages)
        return Making(
            self._share,
            f"Fetching the packages of {self._name}: {begun} of {self._packages} ({self._package}).",
        )


async def pip_install(
    python: Path, arguments: Sequence[str], progress: PipProgress, tell: Tell, *, held: Sequence[int] = ()
) -> None:
    """Installs into ``python``'s environment with our own pip, and so from the index that pip is configured for.

    ``held``: descriptors that stay open as long as pip lives, also when we are killed. Raises `NotFound`, or
    `EngineError` with what to do.
    """
    said: deque[str] = deque(maxlen=_SAID_LINES)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-input"),
        *("--disable-pip-version-check", "--progress-bar", "raw", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**20,
        env=for_others(),
        pass_fds=held,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_LONGEST_S):
            async for raw in process.stdout:
                line = raw.decode(errors="replace").strip()
                if making := progress.read(line):
                    tell(making)
                elif line:
                    said.append(line)
            code = await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code:
        raise _failure("\n".join(said))


def _failure(said: str) -> EngineError:
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return EngineError("The disk is full. Free some room; it is then tried again.")
    if _NO_NETWORK.search(said):
        return EngineError(
            "The package index cannot be reached. Check the network (proxy: HTTPS_PROXY; another index: "
            "PIP_INDEX_URL); what was fetched is kept, and it is tried again."
        )
    last = said.splitlines()[-1] if said else "it gave no reason"
    if _NOT_FOUND in said:
        return NotFound(last)
    return EngineError(f"pip could not install the packages: {last}")
