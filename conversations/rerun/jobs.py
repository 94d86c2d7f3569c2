"""Re-runs in the background: a slice of a minute at a time, so that nobody waits long for their turn."""

import asyncio
from uuid import UUID

import msgspec
import structlog
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from common.long_tasks import one_at_a_time
from conversations.errors import ConversationNotFound, NotAllowed, Refused
from conversations.failures import sentence
from conversations.log.errors import LogError
from conversations.rerun.engines import opened
from conversations.rerun.queue import PERMISSION, enqueue, is_url
from conversations.rerun.run import Rerun, Told, Wish, first_turn, in_thread
from conversations.rerun_tables import RerunJob, RerunState
from conversations.services.access import owned_or_permitted
from inference.errors import EngineError

log = structlog.get_logger(__name__)
SLICE_S = 45.0
"""A task ends after this long and asks for the next, so that others, such as previews of voices, have their turn."""


@one_at_a_time
def work(job_id: str, slice_s: float = SLICE_S) -> str:
    """What the task cluster calls. Called again for the same job, after a crash say, it goes on where it was."""
    job = RerunJob.objects.filter(id=job_id).first()
    if job is None or job.over:
        return "nothing to do"
    _set(job, state=RerunState.RUNNING)
    try:
        _require_allowed(job)
        whole = asyncio.run(_run(job, slice_s))
    except (Refused, ConversationNotFound, EngineError, LogError, TimeoutError) as error:
        log.warning("rerun_failed", job=job_id, kind=type(error).__name__)
        _set(job, state=RerunState.FAILED, detail=_told(error))
        return "failed"
    if whole:
        _set(job, state=RerunState.DONE)
        return "done"
    if RerunJob.objects.filter(id=job.id, state=RerunState.STOPPED).exists():
        return "stopped"
    enqueue(job.id)
    return "to be continued"


def _require_allowed(job: RerunJob) -> None:
    """Asked again before each slice: a job may have waited for long. Raises `ConversationNotFound`, `NotAllowed`."""
    owned_or_permitted(job.owner, job.conversation_id, PERMISSION)
    if not job.owner.is_active or (is_url(job.llm) and not job.owner.has_perm(f"conversations.{PERMISSION}")):
        raise NotAllowed("Who asked for this re-run may not run it any more.")


def _told(error: Exception) -> str:
    if isinstance(error, EngineError):
        return sentence(error.code)
    return str(error)[:500] or _("It took too long.")


async def _run(job: RerunJob, slice_s: float) -> bool:
    wish = Wish(
        conversation_id=str(job.conversation_id),
        from_turn=job.from_turn,
        llm=job.llm,
        voice=job.voice,
        instructions=job.instructions,
        transcribe=job.transcribe,
    )

    def begun(fork_id: str) -> None:
        _set(job, result_id=UUID(fork_id) if fork_id else None)

    def progress(told: Told) -> bool:
        compared = [*job.compared, msgspec.to_builtins(told.compared)]
        job.compared = compared
        changed = RerunJob.objects.filter(id=job.id).exclude(state=RerunState.STOPPED)
        told_all = {"compared": compared, "total": told.total, "updated_at": timezone.now()}
        return bool(changed.update(done=Greatest(F("done"), Value(told.done)), **told_all))

    async with opened(job.llm) as engines:
        fork_id = str(job.result_id) if job.result_id else ""
        rerun = Rerun(wish, engines, actor_id=str(job.owner_id), fork_id=fork_id)
        source = await rerun.prepare()
        total = len(source.turns) - first_turn(source, wish.from_turn) + 1
        await in_thread(lambda: _set(job, total=total))
        return await rerun.run(source, progress, begun=begun, for_s=slice_s)


def _set(job: RerunJob, **values: object) -> None:
    """Changes these fields alone, unless the job was stopped meanwhile."""
    standing = RerunJob.objects.filter(id=job.id).exclude(state=RerunState.STOPPED)
    standing.update(**values, updated_at=timezone.now())
    for name, value in values.items():
        setattr(job, name, value)
