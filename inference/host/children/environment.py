"""The environment of one engine: pinned packages, apart from ours, made on first use and shared by all checkouts.

A set is ``requirements/engines/NAME.txt``, complete and pinned; its ``.in`` says what is wanted, and in its first line
how much room it takes (``# disk: 3000 MB``). ``NAME.after.py``, if there is one, is run once by the new environment.
"""

import asyncio
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from inference import config
from inference.env import BASE_DIR, for_others
from inference.errors import EngineError
from inference.host.children.installing import Making, NotFound, PipProgress, Tell, pip_install

log = structlog.get_logger(__name__)
SETS = BASE_DIR / "requirements" / "engines"
CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where the packages with a local version (``torch==2.13.0+cpu``) are, when the configured index lacks them."""
_MARK = "complete.json"
_LOCK_POLL_S = 0.5
_ROOM = re.compile(r"^# disk: (\d+) MB$", re.MULTILINE)
_HASHED = re.compile(r"[0-9a-f]{12}")
_USUAL_ROOM_MB = 4000
_AFTER_TIMEOUT_S = 300.0


class _Mark(msgspec.Struct):
    """Written last: a folder without it was interrupted, and is made anew."""

    set: str
    seconds: float


class Environment:
    """One set's environment. ``sets`` and ``root`` are the project's and the setting's own but for tests."""

    def __init__(self, name: str, *, sets: Path = SETS, root: Path | None = None) -> None:
        self.name = name
        self.requirements = sets / f"{name}.txt"
        self._wanted = sets / f"{name}.in"
        self._after = sets / f"{name}.after.py"
        self._root = root or config.load().engines_dir

    @property
    def folder(self) -> Path:
        """Named after the content of the set and this Python: another set is another environment."""
        digest = hashlib.blake2b(f"{sys.version_info[:2]} {platform.machine()}".encode(), digest_size=6)
        for file in (self.requirements, self._after):
            if file.exists():
                digest.update(file.read_bytes())
        return self._root / f"{self.name}-{digest.hexdigest()}"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def made(self) -> bool:
        return (self.folder / _MARK).exists() and self.python.exists()

    @property
    def room_mb(self) -> int:
        """What the set takes on the disk, as its ``.in`` says."""
        found = _ROOM.search(self._wanted.read_text(encoding="utf-8")) if self._wanted.exists() else None
        return int(found.group(1)) if found else _USUAL_ROOM_MB

    async def ensure(self, tell: Tell = lambda _: None) -> Path:
        """Its Python, after making the environment if there is none; of several that ask, one makes it.

        Raises `EngineError` with what to do: no network, no room, no such package.
        """
        if self.made:
            return self.python
        if not self.requirements.exists():
            raise EngineError(f"There is no set of packages for {self.name} ({self.requirements}).", permanent=True)
        async with self._only_maker(tell) as lock:
            if not self.made:
                await self._make(tell, lock)
        return self.python

    def remove(self) -> int:
        """Deletes what was made of this set, outdated environments too; how many bytes that were.

        Raises `EngineError` while one is being made.
        """
        freed = 0
        for folder in self._root.glob(f"{self.name}-*"):
            if folder.is_dir() and _HASHED.fullmatch(folder.name.removeprefix(f"{self.name}-")):
                with _lock_of(folder).open("w") as lock:
                    if not _locked(lock.fileno()):
                        raise EngineError(f"{folder} is just being made. Try again when that has ended.")
                    (folder / _MARK).unlink(missing_ok=True)  # first, so that a half of it is never taken for whole
                    freed += sum(file.lstat().st_size for file in folder.rglob("*"))
                    shutil.rmtree(folder)
        return freed

    async def _make(self, tell: Tell, lock: int) -> None:
        """What is started for it holds ``lock`` too: if we are killed, nobody begins before that has ended."""
        began = time.monotonic()
        self._refuse_without_room()
        tell(Making(0.0, f"Making the environment of {self.name}."))
        log.info("environment_begins", engine=self.name, folder=str(self.folder))
        bare = asyncio.ensure_future(asyncio.to_thread(self._bare, lock))
        try:
            await asyncio.shield(bare)
        finally:
            await asyncio.wait([bare])  # cancelled, too: its thread goes on, and the lock is kept for it
        progress = PipProgress(self.name, len(list(_requirements(self.requirements))))
        with tempfile.TemporaryDirectory(prefix="avatar-engine-") as folder:
            local, others = _split(self.requirements, Path(folder))
            if local is not None:
                await self._install_local(local, progress, tell, lock)
            await pip_install(self.python, ["-r", str(others)], progress, tell, held=[lock])
        if self._after.exists():
            await self._run_after()
        mark = _Mark(self.name, round(time.monotonic() - began, 1))
        _write_durably(self.folder / _MARK, msgspec.json.encode(mark))
        log.info("environment_ready", engine=self.name, seconds=mark.seconds)

    async def _install_local(self, file: Path, progress: PipProgress, tell: Tell, lock: int) -> None:
        arguments = ["-r", str(file)]
        try:
            await pip_install(self.python, arguments, progress, tell, held=[lock])
        except NotFound:
            arguments += ["--extra-index-url", CPU_TORCH_INDEX]
            await pip_install(self.python, arguments, progress, tell, held=[lock])

    async def _run_after(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(str(self.python), "-I", str(self._after)),
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=for_others(),
        )
        try:
            async with asyncio.timeout(_AFTER_TIMEOUT_S):
                _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise EngineError(f"{self._after.name} failed: {said.decode(errors='replace').strip()[-300:]}")

    def _bare(self, lock: int) -> None:
        """An empty environment without pip (ours installs into it), whatever was there before."""
        shutil.rmtree(self.folder, ignore_errors=True)
        command = [sys.executable, "-m", "venv", "--without-pip", str(self.folder)]
        done = subprocess.run(  # noqa: S603 - the command is ours
            command, capture_output=True, text=True, check=False, pass_fds=[lock]
        )
        if done.returncode:
            raise EngineError(f"{self.folder} cannot be made: {(done.stderr or done.stdout).strip()[-300:]}")

    def _refuse_without_room(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        free_mb = shutil.disk_usage(self._root).free >> 20
        if free_mb < self.room_mb:
            raise EngineError(
                f"The packages of {self.name} take about {self.room_mb} MB, and the disk of {self._root} has "
                f"{free_mb} MB free. Free some room, or set AVATAR_ENGINES_DIR to another disk."
            )

    @asynccontextmanager
    async def _only_maker(self, tell: Tell) -> AsyncIterator[int]:
        """Holds the lock, a descriptor; the system frees it when a maker ends, however it ends."""
        self._root.mkdir(parents=True, exist_ok=True)
        with _lock_of(self.folder).open("w") as lock:
            while not _locked(lock.fileno()):
                tell(Making(0.0, f"Another process is making the environment of {self.name}."))
                await asyncio.sleep(_LOCK_POLL_S)
            yield lock.fileno()


def names(sets: Path = SETS) -> tuple[str, ...]:
    """All sets there are."""
    return tuple(sorted(file.stem for file in sets.glob("*.txt")))


def set_for(engine: str, device: str, sets: Path = SETS) -> str:
    """The set of an engine on a device: ``NAME-cpu`` where there is no GPU, if there is one, else ``NAME``."""
    on_cpu = f"{engine}-cpu"
    return on_cpu if device == "cpu" and (sets / f"{on_cpu}.txt").exists() else engine


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(".lock")


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _requirements(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.lstrip().startswith(("#", "-")):
            yield line.strip()


def _split(file: Path, folder: Path) -> tuple[Path | None, Path]:
    """Those with a local version, which may come from an index of their own, and the others."""
    lines = list(_requirements(file))
    local = [line for line in lines if "+" in line.partition("==")[2]]
    others = folder / "others.txt"
    others.write_text("\n".join(line for line in lines if line not in local), encoding="utf-8")
    if not local:
        return None, others
    first = folder / "local.txt"
    first.write_text("\n".join(local), encoding="utf-8")
    return first, others


def _write_durably(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
