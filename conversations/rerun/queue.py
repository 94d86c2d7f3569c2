"""Asking the task cluster for a re-run; light, so that pages which only ask do not load what carries it out."""

from uuid import UUID

from django_q.tasks import async_task

PERMISSION = "rerun_conversation"
"""Whoever holds it may run anybody's conversation again, and with any server."""


def enqueue(job_id: UUID) -> None:
    """Puts the job's next slice into the queue."""
    async_task("conversations.rerun.jobs.work", str(job_id), group="rerun")


def is_url(llm: str) -> bool:
    """Whether a chat model is named by another server's address (``URL#MODEL``)."""
    return llm.startswith(("http://", "https://"))
