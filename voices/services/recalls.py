"""References that the engine host has to forget: asked for in the transaction that ends them, until the host has."""

import functools
from collections.abc import Collection

import structlog
from django.utils import timezone

from common import engine
from inference.client import EngineClient
from inference.errors import EngineError
from voices.models import Recall

log = structlog.get_logger(__name__)


def note(sample_ids: Collection[str]) -> None:
    """Inside `record.write`, beside the fact: what is noted is told the host, now or when it comes back."""
    rows = [Recall(sample_id=sample_id, at=timezone.now()) for sample_id in sample_ids if sample_id]
    Recall.objects.bulk_create(rows, ignore_conflicts=True)


def carry_out() -> int:
    """Tells the host of all that are noted; how many it has forgotten. It stops at the first that does not reach it."""
    forgotten = 0
    for recall in Recall.objects.order_by("at"):
        try:
            engine.ask(functools.partial(_forget, recall.sample_id))
        except EngineError as error:
            log.warning("reference_not_forgotten", sample=recall.sample_id, code=error.code)
            break
        recall.delete()
        forgotten += 1
    return forgotten


async def _forget(sample_id: str, client: EngineClient) -> None:
    await client.forget_reference(sample_id)
