"""`python -m inference.host`: the engine host, until SIGTERM or Ctrl-C."""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from contextlib import suppress

import setproctitle
import structlog
from aiohttp import web

from inference import config
from inference.choice import choose
from inference.env import ConfigurationError
from inference.errors import EngineError
from inference.host import registry
from inference.host.app import create_app
from inference.host.changes import Changes
from inference.host.chat.build import build_chat
from inference.host.children.child import Children
from inference.host.host import Host, new_scheduler
from inference.host.listen import CannotListen, listening
from inference.host.memory.build import build_keeper
from inference.host.metrics import Metrics
from inference.host.speech.build import SpeechParts, build_speech
from inference.host.watermark.build import build_watermark
from inference.machine import measure

log = structlog.get_logger("inference.host")
_KEEPALIVE_S = 75.0  # longer than the client's, so that the host never closes a connection the client is about to use
_SHUTDOWN_S = 2.0
_M_ARENA_MAX = -8
"""glibc's number for `mallopt`."""


def main() -> int:
    setproctitle.setproctitle("avatar: engine host")
    _share_the_machine()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        settings = config.load()
        return asyncio.run(serve(settings))
    except (CannotListen, ConfigurationError, EngineError) as error:
        log.error("cannot_start", reason=str(error))
        return 1


def _share_the_machine() -> None:
    """What the engines' libraries read when they are loaded, later, by this process and its children."""
    # CTranslate2's and llama.cpp's threads spin while they wait for each other; as soon as others want the cores too,
    # a transcription then takes three to six times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # All threads share two heaps: by default each keeps one, with what it ever needed at once.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


async def serve(settings: config.Config) -> int:
    """Serves until asked to end; the exit status. Raises `CannotListen`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with listening(settings) as sock:
        host = build_host(settings)
        runner = web.AppRunner(
            create_app(host),
            handler_cancellation=True,  # hanging up ends the handler, and with it the work
            access_log=None,
            keepalive_timeout=_KEEPALIVE_S,
            shutdown_timeout=_SHUTDOWN_S,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, sock).start()
            log.info("listening", url=settings.engine_url, pid=os.getpid())
            ends = [asyncio.create_task(event.wait()) for event in (stop, host.broken)]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
        finally:
            await runner.cleanup()
    return 1 if host.broken.is_set() else 0


def build_host(settings: config.Config) -> Host:
    """The engines that are chosen for this machine (`inference.choice`)."""
    changes = Changes()
    scheduler = new_scheduler(settings.cores)
    children = Children()
    choice = choose(settings, measure())
    engines = registry.build(settings, scheduler, changes)
    chat = build_chat(settings, choice, changes, children)
    metrics = Metrics()
    speech = build_speech(SpeechParts(settings, changes, scheduler, children, metrics), choice)
    watermark = build_watermark(settings, choice, changes, children)
    return Host(
        settings,
        scheduler,
        changes,
        engines,
        chat,
        children,
        metrics=metrics,
        fast=speech.fast,
        fine=speech.fine,
        watermarker=watermark,
        detector=watermark,
        memory=build_keeper(settings, choice, engines, chat, children, changes, measure),
    )


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    # At once: a load or a call that still runs in a library's own threads would abort an orderly end.
    os._exit(status)
