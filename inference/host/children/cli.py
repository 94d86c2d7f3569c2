"""``engines list|prepare|logs|remove``: environments and logs of the engines that run in processes of their own."""

import argparse
import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from inference import config
from inference.choice import CPU, choose
from inference.client import EngineClient
from inference.errors import EngineError
from inference.host.children.environment import Environment, names, set_for
from inference.host.children.installing import Making
from inference.host.children.output import older
from inference.host.children.place import folder_of
from inference.machine import measure
from inference.types import EngineStatus, HostStatus

_MB = 1024**2
_STATUS_WITHIN_S = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, parser_class=argparse.ArgumentParser)
    actions.add_parser("list", help="the sets of packages, which are made, and what runs now")
    prepare = actions.add_parser("prepare", help="make environments now (without a name: those this machine would use)")
    prepare.add_argument("sets", nargs="*", metavar="SET")
    logs = actions.add_parser("logs", help="what an engine said while it started; later, no words of anybody's")
    logs.add_argument("engine", metavar="ENGINE", help="such as vllm or f5")
    logs.add_argument("-n", "--lines", type=int, default=200)
    remove = actions.add_parser("remove", help="delete a set's environments, outdated ones too")
    remove.add_argument("set", metavar="SET")


def run(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Runs one action; 0, or 1 after a message."""
    actions: dict[str, Callable[[argparse.Namespace, TextIO], None]] = {
        "list": _list, "prepare": _prepare, "logs": _logs, "remove": _remove,
    }  # fmt: skip
    try:
        actions[arguments.action](arguments, out)
    except EngineError as error:
        print(error.message, file=err)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same command begins it anew; what was fetched is kept.", file=err)
        return 130
    return 0


def _list(_arguments: argparse.Namespace, out: TextIO) -> None:
    width = max(len(name) for name in names())
    for name in names():
        environment = Environment(name)
        if environment.made:
            told = f"{_size(environment.folder) / _MB:6,.0f} MB  {environment.folder}"
        else:
            told = f"not made (about {environment.room_mb:,} MB; `manage.py engines prepare {name}`)"
        print(f"{name:{width}}  {told}", file=out)
    status = asyncio.run(_status())
    if status is None:
        print("\nNo engine host runs here.", file=out)
        return
    print("\nRunning now, by engine and (model):", file=out)
    for line in table([_row(engine) for engine in status.engines]):
        print(line, file=out)


def _row(engine: EngineStatus) -> tuple[str, ...]:
    memory = f"{engine.memory_bytes / _MB:8,.0f} MB" if engine.memory_bytes else ""
    return (engine.kind, engine.called, engine.state, memory, engine.detail)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines whose columns are as wide as what stands in them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


async def _status() -> HostStatus | None:
    settings = config.load()
    async with EngineClient(settings.engine_url, api_key=settings.engine_api_key) as client:
        try:
            async with asyncio.timeout(_STATUS_WITHIN_S):
                return await client.status()
        except (EngineError, TimeoutError):
            return None


def _prepare(arguments: argparse.Namespace, out: TextIO) -> None:
    wanted = arguments.sets or _chosen()
    if not wanted:
        print(
            "This machine would use no engine with an environment of its own (`manage.py doctor` says why).", file=out
        )
    for name in wanted:
        _known(name)
        environment = Environment(name)
        if environment.made:
            print(f"{name}: it is made already ({environment.folder}).", file=out)
            continue
        asyncio.run(_make(environment, out))
        print(f"{name}: made in {environment.folder}.", file=out)


async def _make(environment: Environment, out: TextIO) -> None:
    with tqdm(total=100, desc=environment.name, file=out, disable=not out.isatty(), bar_format=_BAR) as bar:

        def tell(making: Making) -> None:
            bar.set_postfix_str(making.detail, refresh=False)
            bar.update(round(making.progress * 100) - bar.n)

        await environment.ensure(tell)
        bar.update(100 - bar.n)


_BAR = "{desc}: {percentage:3.0f}% |{bar:20}| {elapsed} {postfix}"


def _chosen() -> list[str]:
    """The sets of what would be used on this machine."""
    choice = choose(config.load(), measure())
    wanted = [set_for(placement.engine, placement.device) for placement in choice.placements]
    if choice.may_clone:
        wanted.append(set_for("watermark", CPU))
    return [name for name in wanted if name in names()]


def _logs(arguments: argparse.Namespace, out: TextIO) -> None:
    file = folder_of(config.load()) / f"{arguments.engine}.log"
    if not file.exists():
        there = ", ".join(sorted(found.stem for found in file.parent.glob("*.log"))) or "none"
        raise EngineError(f"There is no log of {arguments.engine} in {file.parent}. There are: {there}.")
    lines: deque[str] = deque(maxlen=max(arguments.lines, 1))
    for part in (older(file), file):
        if part.exists():
            lines.extend(part.read_text(encoding="utf-8", errors="replace").splitlines())
    print("\n".join(lines), file=out)


def _remove(arguments: argparse.Namespace, out: TextIO) -> None:
    _known(arguments.set)
    freed = Environment(arguments.set).remove()
    print(f"{arguments.set}: {freed / _MB:,.0f} MB freed.", file=out)


def _known(name: str) -> None:
    if name not in names():
        raise EngineError(f"There is no set {name}. There are: {', '.join(names())}.")


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*"))
