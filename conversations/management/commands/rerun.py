"""``manage.py rerun CONVERSATION...``: recorded conversations held again with other engines, and compared."""

import asyncio
import functools
from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from conversations.errors import Refused
from conversations.log.errors import LogError
from conversations.models import Conversation, Keep
from conversations.rerun.engines import opened
from conversations.rerun.queue import is_url
from conversations.rerun.report import Outcome, Thresholds, report, summary_lines, turn_lines
from conversations.rerun.run import Rerun, Told, Wish
from conversations.terminal.arguments import file_to_write
from inference.errors import EngineError

_THRESHOLDS = (
    ("--max-first-token-ms", "first_token_ms", float, "P95 of the first token"),
    ("--max-first-sentence-ms", "first_sentence_ms", float, "P95 of the first sentence"),
    ("--max-first-audio-ms", "first_audio_ms", float, "P95 of the first sound"),
    ("--max-wer", "word_error_rate", float, "word error rate of the transcripts, 0.1 for 10 % (with --transcribe)"),
    ("--min-similarity", "similarity", float, "similarity of the answers, 0 to 1"),
    ("--max-failed", "failed", int, "turns and conversations that fail"),
)


class Command(BaseCommand):
    help = (
        "Holds recorded conversations again: what the user said then, answered by other engines now. Each becomes a "
        "forked conversation; both sides' words and times are shown. PERSONAL DATA: unless --quiet is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("conversations", nargs="*", metavar="CONVERSATION", help="ids of conversations")
        parser.add_argument("--all", action="store_true", help="all conversations of which words are kept")
        parser.add_argument("--flagged", action="store_true", help="all that have an open flag")
        parser.add_argument("--limit", type=int, help="the newest so many of --all or --flagged")
        parser.add_argument(
            "--from", dest="from_turn", default="", metavar="TURN", help="number or id of the first turn"
        )
        parser.add_argument("--llm", default="", metavar="MODEL|URL#MODEL", help="another chat model")
        parser.add_argument(
            "--llm-key-variable", default="", metavar="NAME", help="environment variable with the API key of that URL"
        )
        parser.add_argument("--voice", default="", help="another voice, or a voice profile's id")
        parser.add_argument("--instructions", default="", help="other instructions for the chat model")
        parser.add_argument("--transcribe", action="store_true", help="transcribe the recorded sound again")
        parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write a report; it holds no words")
        parser.add_argument("--quiet", action="store_true", help="show the summary alone, and no words")
        for option, name, kind, what in _THRESHOLDS:
            parser.add_argument(option, dest=f"limit_{name}", type=kind, help=f"exit status 1 unless it holds: {what}")

    def handle(self, *args: Any, conversations: list[str], **options: Any) -> None:
        chosen = conversations or _chosen(options)
        if not chosen:
            raise CommandError(_nothing_chosen(options))
        if is_url(options["llm"]) and len(chosen) > 1:
            self.stderr.write(f"What was said in {len(chosen)} conversations is sent to {options['llm']}.")
        outcomes = asyncio.run(self._run_all(chosen, options))
        limits = Thresholds(**{name: options[f"limit_{name}"] for _, name, _, _ in _THRESHOLDS})
        made = report(outcomes, limits)
        if options["json"] is not None:
            options["json"].write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
        self.stdout.write("\n".join(summary_lines(made.summary)))
        if made.broken:
            raise CommandError("\n".join(("Not good enough:", *made.broken)), returncode=1)
        if made.summary.not_run == len(outcomes):
            raise CommandError("No conversation could be run again.", returncode=1)
        if 0 < made.summary.turns - made.summary.skipped == made.summary.failed:
            raise CommandError("Not one turn was answered: every one failed.", returncode=1)

    async def _run_all(self, chosen: list[str], options: dict[str, Any]) -> list[Outcome]:
        outcomes = []
        async with opened(options["llm"], key_variable=options["llm_key_variable"]) as engines:
            with tqdm(total=len(chosen), unit="conversation", disable=None, leave=False) as bar:
                for conversation_id in chosen:
                    wish = _wish(conversation_id, options)
                    outcomes.append(await self._run(Rerun(wish, engines, actor_id=""), quiet=options["quiet"]))
                    bar.update()
        return outcomes

    async def _run(self, rerun: Rerun, *, quiet: bool) -> Outcome:
        outcome = Outcome(conversation_id=rerun.wish.conversation_id)
        if not quiet:
            self.stdout.write(f"conversation {outcome.conversation_id}")
        try:
            source = await rerun.prepare()
            await rerun.run(source, functools.partial(self._tell, outcome, quiet=quiet))
        except (Refused, EngineError, LogError, TimeoutError) as error:
            outcome.error = str(error) or "It took too long."
            self.stderr.write(self.style.ERROR(f"{outcome.conversation_id}: {outcome.error}"))
        outcome.fork_id = rerun.fork_id
        if outcome.fork_id and not quiet:
            self.stdout.write(f"is now conversation {outcome.fork_id}\n")
        return outcome

    def _tell(self, outcome: Outcome, told: Told, *, quiet: bool) -> None:
        outcome.turns.append(told.compared)
        if not quiet:
            self.stdout.write("\n".join(turn_lines(told.compared, told.texts)))


def _wish(conversation_id: str, options: dict[str, Any]) -> Wish:
    names = ("from_turn", "llm", "voice", "instructions", "transcribe")
    return Wish(conversation_id=conversation_id, **{name: options[name] for name in names})


def _nothing_chosen(options: dict[str, Any]) -> str:
    if options["flagged"]:
        return "No conversation of which words are kept has an open flag."
    if options["all"]:
        return "There is no conversation yet of which words are kept."
    return "Name conversations by their ids, or give --all or --flagged."


def _chosen(options: dict[str, Any]) -> list[str]:
    """The conversations of --all or --flagged, the newest first; those that re-runs have made are left out."""
    if not options["all"] and not options["flagged"]:
        return []
    found = Conversation.objects.filter(erased_at=None, forked_from=None, turn_count__gt=0).exclude(keep=Keep.NOTHING)
    if options["flagged"]:
        found = found.filter(open_flags__gt=0)
    ids = found.order_by("-updated_at", "-id").values_list("id", flat=True)
    return [str(one) for one in (ids[: options["limit"]] if options["limit"] else ids)]
