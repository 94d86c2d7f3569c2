"""`manage.py bench`: measures this machine as a user would meet it."""

import asyncio
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations.terminal import clips as recorded
from conversations.terminal import report
from conversations.terminal.arguments import file_to_write, whole
from conversations.terminal.bench import Plan, measure
from conversations.terminal.clips import Clip
from inference.client import EngineClient
from inference.errors import AudioRefused, EngineError

_MANIFEST = '{"clips": [{"path": ..., "text": ...}]}'


class Command(BaseCommand):
    help = "Talks with the running server, in several sessions at once, and prints what people would have waited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default=f"ws://127.0.0.1:{settings.PORT}/v1", help="default: %(default)s")
        parser.add_argument("--api-key", default="")
        parser.add_argument("--sessions", type=whole(least=1), default=1)
        parser.add_argument("--turns", type=whole(least=1), default=10, help="of each session (default: %(default)s)")
        parser.add_argument("--warmup", type=whole(least=0), default=1, help="unreported turns at each session's start")
        parser.add_argument("--minutes", type=float, default=0.0, help="go on for so long instead of --turns")
        parser.add_argument("--manifest", type=Path, help=f"{_MANIFEST}; default: own questions")
        parser.add_argument("--write-manifest", type=Path, help="save the questions asked, for another instrument")
        parser.add_argument("--interrupt", action="store_true", help="ask over the answers: measures barge-in")
        parser.add_argument("--language", default="en")
        parser.add_argument("--voice", default="")
        parser.add_argument("--server-pid", type=int, help="whose process tree's memory to sum")
        parser.add_argument("--json", type=file_to_write, help="write figures and turns here")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = Plan(**{field: options[field] for field in Plan.__struct_fields__ if field in options})
        clips = asyncio.run(self._clips(options["manifest"]))
        if options["write_manifest"]:
            self.stdout.write(f"questions: {recorded.write_manifest(options['write_manifest'], clips)}")
        outcome = asyncio.run(measure(plan, clips, options["server_pid"] or _running_server()))
        figures = report.summary(plan, outcome)
        self.stdout.write(report.table(figures))
        if options["json"]:
            body = {"summary": figures, "turns": outcome.turns, "memory": outcome.memory}
            options["json"].write_bytes(msgspec.json.format(msgspec.json.encode(body), indent=1))
        if report.failed(figures):
            raise CommandError("There were errors.")

    async def _clips(self, manifest: Path | None) -> list[Clip]:
        if manifest:
            return _read(manifest)
        engines = EngineClient(settings.INFERENCE.engine_url, api_key=settings.INFERENCE.engine_api_key)
        try:
            return await recorded.spoken(engines)
        except EngineError as error:
            raise CommandError(f"{error.message} (or give recorded questions with --manifest)") from error
        finally:
            await engines.close()


def _read(manifest: Path) -> list[Clip]:
    try:
        clips = recorded.from_manifest(manifest)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}.") from error
    except msgspec.MsgspecError as error:
        raise CommandError(f"{manifest} is no manifest ({error}). It reads {_MANIFEST}.") from error
    except AudioRefused as error:
        raise CommandError(f"{manifest}: {error.message}") from error
    if not clips:
        raise CommandError(f"{manifest} names no clips. It reads {_MANIFEST}.")
    return clips


def _running_server() -> int | None:
    """The process that `make run` left its number for, if it lives."""
    try:
        pid = int((settings.DATA_DIR / "run.pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if Path(f"/proc/{pid}").exists() else None
