"""The engine host: its engines, its scheduler, and what it tells about itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from inference.choice import NOTHING_BESIDE
from inference.config import Config
from inference.host.changes import Changes
from inference.host.chat.backend import ChatBackend
from inference.host.children.child import Children
from inference.host.memory.build import build_keeper
from inference.host.memory.keeper import Keeper
from inference.host.metrics import Metrics
from inference.host.registry import Registry
from inference.host.scheduler import Scheduler
from inference.host.speech.embedded import EmbeddedVoices
from inference.host.speech.router import Router
from inference.host.speech.speaker import Speaker
from inference.host.speech.terms import Allowance, Watermarker
from inference.host.watermark.watermark import Watermark
from inference.host.workers import Workers
from inference.machine import measure
from inference.types import HostStatus

log = structlog.get_logger(__name__)
_LIGHT_THREADS = 2
"""Calls of a few milliseconds (end of turn, hibari) run beside those that hold cores."""
_SPARE_THREADS = 4


def new_scheduler(cores: int) -> Scheduler:
    return Scheduler({"cores": cores, "light": max(_LIGHT_THREADS, cores), "decode": 1, "chat": 1})


class Host:
    """One per process; `running` loads the engines and keeps the chat backend alive."""

    def __init__(
        self,
        settings: Config,
        scheduler: Scheduler,
        changes: Changes,
        registry: Registry,
        chat: ChatBackend,
        children: Children | None = None,
        *,
        metrics: Metrics | None = None,
        fast: Speaker | None = None,
        fine: Speaker | None = None,
        watermarker: Watermarker | None = None,
        detector: Watermark | None = None,
        gate: Allowance | None = None,
        memory: Keeper | None = None,
    ) -> None:
        self.settings = settings
        self.scheduler = scheduler
        self.changes = changes
        self.registry = registry
        self.chat = chat
        self.children = children or Children()
        """Engines in processes of their own; the chat backend's too."""
        self.detector = detector
        self.memory = memory or build_keeper(settings, NOTHING_BESIDE, registry, chat, self.children, changes, measure)
        self.metrics = metrics or Metrics()
        self.workers = Workers(scheduler, threads=settings.cores + _LIGHT_THREADS + _SPARE_THREADS)
        self.speech = Router(
            EmbeddedVoices(registry, self.workers, self.metrics),
            fast=fast,
            fine=fine,
            watermarker=watermarker,
            gate=gate or self.memory,
        )
        self.closing = asyncio.Event()
        self.broken = asyncio.Event()
        """Set when the host itself has failed and must be started again."""
        scheduler.resize("chat", chat.slots)

    @property
    def status(self) -> HostStatus:
        chat = self.chat.status
        engines = [slot.status for slot in self.registry.slots]
        engines += [server.status for server in self.speech.servers]
        engines += [child.status for child in self.children if child.spec.kind != "chat"]
        return HostStatus(
            ready=self.registry.can_converse and chat.state == "ready",
            engines=(engines[0], chat, *engines[1:]),
            voices=self.speech.voices,
            cloning=self.speech.cloning,
            sessions=self.memory.sessions,
            max_sessions=self.memory.max_sessions,
            context_tokens=self.chat.context_tokens,
            waiting=self.memory.waiting,
            service=self.memory.service.level,
            service_reason=self.memory.service.reason,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loads and supervises for the block."""
        await self.memory.look()
        tasks = [
            asyncio.create_task(self.chat.run(), name="chat"),
            asyncio.create_task(self.registry.load_all(), name="load"),
            *(asyncio.create_task(item.run(), name=f"speech by {item.engine}") for item in self.speech.servers),
            asyncio.create_task(self.children.run(), name="children"),
            *([asyncio.create_task(self.detector.run(), name="watermark")] if self.detector else []),
            asyncio.create_task(self.memory.run(), name="memory"),
        ]
        for task in tasks:
            task.add_done_callback(self._note_end)
        try:
            yield
        finally:
            self.closing.set()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self.workers.close()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("task_failed", task=task.get_name(), exc_info=task.exception())
            self.broken.set()


HOST: web.AppKey[Host] = web.AppKey("host", Host)
