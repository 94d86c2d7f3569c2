"""One life of an engine: its process, behind the keeper that ends it for sure."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from inference.env import BASE_DIR, for_others
from inference.host.children.output import Output

_KEEPER = Path(__file__).with_name("keeper.py")
_MARGIN_S = 2.0
"""How much longer than its grace the keeper may take before its family is killed without it."""
_READ_BYTES = 65_536
_LAST_WORDS_S = 0.2


class ChildProcess:
    """A running engine. Its family is a session of its own, found by the keeper's id."""

    def __init__(self, process: asyncio.subprocess.Process, grace_s: float, listening: asyncio.Task[None]) -> None:
        self._process = process
        self._grace_s = grace_s
        self._listening = listening

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str], output: Output, *, grace_s: float) -> Self:
        """``env`` is added to this process' environment (`for_others`). ``grace_s``: what it gets to end by itself."""
        # A pipe of ours: asyncio's own would keep `wait` waiting for whoever else still holds it.
        said, say = os.pipe()
        listening = asyncio.create_task(_listen(said, output), name="output of an engine")
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-IS", str(_KEEPER), str(grace_s), *command),
                stdin=asyncio.subprocess.PIPE,
                stdout=say,
                stderr=say,
                env={**for_others(), **env},
                cwd=BASE_DIR,
                start_new_session=True,  # Ctrl-C in the terminal is for the host, which then ends its engines
            )
        finally:
            os.close(say)
        return cls(process, grace_s, listening)

    @property
    def pids(self) -> frozenset[int]:
        """The keeper, the engine and whatever the engine started."""
        return session_members(self._process.pid)

    async def wait(self) -> str:
        """How it ended, in words, once it has."""
        code = await self._process.wait()
        await asyncio.wait([self._listening], timeout=_LAST_WORDS_S)
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        """Ends the engine at once; the keeper then ends what has left the session, and itself."""
        for pid in session_members(self._process.pid):
            if pid != self._process.pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def end(self) -> None:
        """Ends the engine and all that it started; returns when nothing is left of it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(self._grace_s + _MARGIN_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self.kill()  # where the keeper itself was killed it could not end the others
        self._listening.cancel()


async def _listen(said: int, output: Output) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(said, "rb", buffering=0)
    )
    try:
        while data := await reader.read(_READ_BYTES):
            output.take(data)
    finally:
        transport.close()


def session_members(session: int) -> frozenset[int]:
    """The processes of a session (`setsid(2)`), by the id of the one that began it."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if os.getsid(int(entry.name)) == session:
                    members.append(int(entry.name))
    return frozenset(members)
