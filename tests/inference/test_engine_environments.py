"""Environments of engines: made once, by one, never taken for finished when interrupted, and told of while made."""

import asyncio
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from inference.errors import EngineError
from inference.host.children import environment as making
from inference.host.children.environment import Environment
from inference.host.children.installing import Making, PipProgress


def wheel(folder: Path, name: str, version: str) -> None:
    """A package with one module that knows its version."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{member},,\n" for member in (*members, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        for member, content in {**members, f"{info}/RECORD": record}.items():
            file.writestr(member, content)


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set ``small`` of two packages, one with a local version, found in a folder instead of an index."""
    folder = tmp_path / "sets"
    folder.mkdir()
    for name, version in (("alpha", "1.0"), ("beta", "2.0+cpu"), ("beta", "2.0")):
        wheel(folder, name, version)
    (folder / "small.txt").write_text("alpha==1.0\nbeta==2.0+cpu\n")
    (folder / "small.in").write_text("# disk: 5 MB\nalpha\nbeta\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return folder


def environment(sets: Path) -> Environment:
    return Environment("small", sets=sets, root=sets.parent / "engines")


def said_by(python: Path, source: str) -> str:
    return subprocess.run([python, "-c", source], capture_output=True, text=True, check=True).stdout.strip()


async def test_it_is_made_once_with_progress_and_has_what_its_set_says(sets: Path) -> None:
    told: list[Making] = []
    small = environment(sets)
    assert not small.made
    python = await small.ensure(told.append)
    assert said_by(python, "import alpha, beta; print(alpha.VERSION, beta.VERSION)") == "1.0 2.0+cpu"
    assert [step.progress for step in told] == sorted(step.progress for step in told)
    assert any("2 of 2 (alpha)" in step.detail for step in told)
    again: list[Making] = []
    assert await environment(sets).ensure(again.append) == python
    assert again == []


async def test_of_several_at_once_one_makes_it(sets: Path) -> None:
    told: list[Making] = []
    pythons = await asyncio.gather(*(environment(sets).ensure(told.append) for _ in range(3)))
    assert len(set(pythons)) == 1
    assert sum(step.detail.startswith("Making") for step in told) == 1
    assert any("Another process is making" in step.detail for step in told)


async def test_another_set_is_another_environment(sets: Path) -> None:
    before = environment(sets).folder
    (sets / "small.txt").write_text("alpha==1.0\n")
    assert environment(sets).folder != before


async def test_an_interrupted_making_is_begun_anew(sets: Path) -> None:
    small = environment(sets)
    told: list[Making] = []
    task = asyncio.create_task(small.ensure(told.append))
    async with asyncio.timeout(60):
        while not any("Fetching" in step.detail for step in told):  # noqa: ASYNC110 - it tells what it read
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert small.python.exists()
    assert not small.made
    (small.folder / "left.txt").touch()
    python = await environment(sets).ensure()
    assert said_by(python, "import alpha; print(alpha.VERSION)") == "1.0"
    assert not (small.folder / "left.txt").exists()


async def test_while_it_is_made_it_is_not_removed(sets: Path) -> None:
    small = environment(sets)
    told: list[Making] = []
    task = asyncio.create_task(small.ensure(told.append))
    async with asyncio.timeout(60):
        while not any("Fetching" in step.detail for step in told):  # noqa: ASYNC110 - it tells what it read
            await asyncio.sleep(0.01)
    with pytest.raises(EngineError, match="just being made"):
        small.remove()
    assert said_by(await task, "import alpha; print(alpha.VERSION)") == "1.0"
    assert small.remove() > 0
    assert not small.folder.exists()


async def test_a_killed_makers_pip_keeps_others_from_beginning(sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock lives as long as pip does: a stand-in for it says so, and outlives whoever holds the lock."""
    source = "import sys; print('begun', flush=True); sys.stdin.read()"
    small = environment(sets)
    async with small._only_maker(lambda _: None) as lock:
        pip = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", source),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[lock],
        )
        assert pip.stdout is not None
        assert await pip.stdout.readline() == b"begun\n"
    told: list[Making] = []
    task = asyncio.create_task(small.ensure(told.append))
    async with asyncio.timeout(30):
        while not told:  # noqa: ASYNC110 - it tells that it waits
            await asyncio.sleep(0.01)
    assert told[0].detail.startswith("Another process is making")
    held: list[str] = []
    begin = asyncio.create_subprocess_exec

    async def noted(*command: str, **options: Any) -> asyncio.subprocess.Process:
        held.extend(os.readlink(f"/proc/self/fd/{number}") for number in options.get("pass_fds", ()))  # noqa: PTH115
        return await begin(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    pip.kill()
    await pip.wait()
    assert (await task).exists()
    assert held == [f"{small.folder}.lock"] * 2  # pip itself: for those with a local version, then for the others


async def test_what_a_set_does_after_installing_is_part_of_it(sets: Path) -> None:
    before = environment(sets).folder
    (sets / "small.after.py").write_text("import alpha, pathlib; pathlib.Path(alpha.__file__).write_text('VERSION=9')")
    assert environment(sets).folder != before
    assert said_by(await environment(sets).ensure(), "import alpha; print(alpha.VERSION)") == "9"
    (sets / "small.after.py").write_text("raise SystemExit('no such file')")
    with pytest.raises(EngineError, match=r"small\.after\.py failed: no such file"):
        await environment(sets).ensure()
    assert not environment(sets).made


async def test_a_package_that_is_not_there_is_named(sets: Path) -> None:
    (sets / "small.txt").write_text("alpha==3.0\n")
    with pytest.raises(EngineError, match=r"alpha==3\.0"):
        await environment(sets).ensure()
    assert not environment(sets).made


async def test_without_room_nothing_is_begun(sets: Path) -> None:
    (sets / "small.in").write_text("# disk: 99999999 MB\n")
    with pytest.raises(EngineError, match="AVATAR_ENGINES_DIR"):
        await environment(sets).ensure()
    assert not environment(sets).folder.exists()


async def test_what_is_asked_of_the_cpu_index_is_only_what_the_usual_one_lacks(
    sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sets.parent / "other"
    (other / "beta").mkdir(parents=True)
    (sets / "beta-2.0+cpu-py3-none-any.whl").rename(other / "beta" / "beta-2.0+cpu-py3-none-any.whl")
    (other / "beta" / "index.html").write_text('<a href="beta-2.0%2Bcpu-py3-none-any.whl">beta</a>')
    monkeypatch.setattr(making, "CPU_TORCH_INDEX", other.as_uri())
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", (sets.parent / "nothing").as_uri())
    python = await environment(sets).ensure()
    assert said_by(python, "import beta; print(beta.VERSION)") == "2.0+cpu"


def test_pips_lines_are_read() -> None:
    progress = PipProgress("vllm", 4)
    lines = ["Collecting torch==2.13.0 (from -r x (line 1))", "Progress 50 of 100", "Progress 100 of 100", "Saved x"]
    told = [step for line in lines if (step := progress.read(line))]
    assert [round(step.progress, 3) for step in told] == [0.0, 0.106, 0.212]
    assert told[-1].detail == "Fetching the packages of vllm: 1 of 4 (torch)."
    assert progress.read("Installing collected packages: torch") == Making(0.2125, "Unpacking vllm's packages.")
