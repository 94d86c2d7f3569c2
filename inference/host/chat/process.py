"""The child process of the embedded chat model: started, listened to, and ended for sure."""

import asyncio
import os
import sys
from collections import deque
from pathlib import Path
from typing import Self

import msgspec

from inference import openmp
from inference.engines.llama_server import LlamaOptions
from inference.env import BASE_DIR

_STDERR_LINES = 20
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",
    "OMP_WAIT_POLICY": "PASSIVE",  # with spinning threads on a busy machine a token took 300 ms instead of 12
}


class LlamaProcess:
    """A running child. It ends with this process too, whatever ends that: its standard input breaks."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said: deque[str] = deque(maxlen=_STDERR_LINES)
        self._listening = True
        self._drain = asyncio.create_task(self._listen(), name=f"stderr of {process.pid}")

    @classmethod
    async def start(cls, options: LlamaOptions, libraries: Path) -> Self:
        """``libraries``: where a bare system's OpenMP was put (`inference.openmp`)."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "inference.engines.llama_server",
            msgspec.json.encode(options).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **openmp.environment(libraries), **_ENVIRONMENT},
            cwd=BASE_DIR,
            start_new_session=True,  # Ctrl-C in the terminal is for the host, which then ends its child
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> str:
        """How it ended, in words, once it has."""
        code = await self._process.wait()
        await asyncio.wait([self._drain], timeout=1)
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    @property
    def complaint(self) -> str:
        """What it said of errors while it loaded."""
        return " ".join(line for line in self._said if "error" in line.lower() or "fail" in line.lower())[:300]

    def stop_listening(self) -> None:
        """From now on what it says is thrown away: it could hold people's words."""
        self._listening = False

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def end(self) -> None:
        """Ends it: asked first, killed after a second."""
        if self._process.returncode is None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                async with asyncio.timeout(1):
                    await self._process.wait()
            except TimeoutError:
                self.kill()
                await self._process.wait()
        self._drain.cancel()

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            if self._listening:
                self._said.append(line.decode(errors="replace").strip())
