"""``manage.py bench_log``: how many durable appends a second this machine does, and how long one takes."""

import asyncio
import statistics
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connections
from uuid6 import uuid7

from conversations.log.eventlog import EventLog
from conversations.log.types import Metadata, NewEvent

_WORDS = "What was heard is what counts, and it is written down before anybody is told. "


class Command(BaseCommand):
    help = "Appends events durably from many writers at once, into a database made for it, and measures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--events", type=int, default=5000, help="events in all (default 5000)")
        parser.add_argument("--writers", type=int, default=64, help="writers that append at once (default 64)")
        parser.add_argument(
            "--directory", type=Path, help="where the file is made (SQLite; default: beside the real one)"
        )

    def handle(self, *args: Any, events: int, writers: int, directory: Path | None, **options: Any) -> None:
        with _database(directory):
            log = EventLog(timeout_s=60)
            try:
                alone = asyncio.run(_append(log, writers=1, each=min(events, 300)))
                started = time.perf_counter()
                together = asyncio.run(_append(log, writers=writers, each=max(1, events // writers)))
                elapsed = time.perf_counter() - started
            finally:
                log.close()
        self.stdout.write(f"one writer     {_figures(alone)}")
        self.stdout.write(f"{writers:>3} writers    {_figures(together)}")
        self.stdout.write(f"durable appends: {len(together) / elapsed:,.0f} a second")


@contextmanager
def _database(directory: Path | None) -> Iterator[None]:
    """Points this process at an empty database, and back."""
    settings = connections["default"].settings_dict
    real = settings["NAME"]
    with _new_on_the_server() if connections["default"].vendor == "postgresql" else _new_file(directory) as name:
        connections.close_all()  # The system checks have opened the real one.
        settings["NAME"] = name
        try:
            call_command("migrate", verbosity=0, interactive=False)
            yield
        finally:
            connections.close_all()
            settings["NAME"] = real


@contextmanager
def _new_file(directory: Path | None) -> Iterator[Path]:
    beside = Path(str(connections["default"].settings_dict["NAME"])).parent
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-log-", dir=directory or beside) as folder:
        yield Path(folder) / "bench.sqlite3"


@contextmanager
def _new_on_the_server() -> Iterator[str]:
    name = f"bench_log_{uuid7().hex[-12:]}"
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    except ProgrammingError as error:
        raise CommandError(
            f"No database can be made to measure in: {str(error).strip()}. Allow it with ALTER ROLE ... CREATEDB."
        ) from error
    try:
        yield name
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _append(log: EventLog, *, writers: int, each: int) -> list[float]:
    """Milliseconds that each append took; every writer has a stream of its own and waits for each append."""
    took: list[float] = []

    async def writer() -> None:
        stream = f"bench-{uuid7()}"
        for number in range(each):
            metadata = Metadata(actor="bench", session="bench", correlation=f"turn-{number // 10}")
            payload = {"item_id": f"item_{number}", "text": _WORDS}
            event = NewEvent("bench.said", payload, personal=frozenset({"text"}), metadata=metadata)
            begun = time.perf_counter()
            await log.append(stream, number, [event])
            took.append((time.perf_counter() - begun) * 1000)

    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(writer())
    return took


def _figures(took: list[float]) -> str:
    cuts = statistics.quantiles(took, n=100)
    return f"{len(took):>6} appends, P50 {cuts[49]:.1f} ms, P95 {cuts[94]:.1f} ms, P99 {cuts[98]:.1f} ms"
