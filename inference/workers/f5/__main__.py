"""``python -m inference.workers.f5 OPTIONS``: serves F5-TTS on a Unix socket (`inference.workers.server`)."""

import os
import sys
from collections.abc import Iterable

import msgspec
from aiohttp import web

from inference.workers import speech
from inference.workers.f5.engine import F5
from inference.workers.f5.options import F5Options
from inference.workers.server import Jobs, Tell, serve


class F5Worker:
    def __init__(self, options: F5Options) -> None:
        self._engine = F5(options)

    def load(self, tell: Tell) -> None:
        self._engine.load(tell)

    def routes(self, jobs: Jobs) -> Iterable[web.RouteDef]:
        return speech.routes(self._engine, jobs)


def main() -> int:
    options = msgspec.json.decode(sys.argv[1], type=F5Options)
    return serve(F5Worker(options), options.socket, step_timeout_s=options.timeout_s)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a sentence that is still being made would hold the process
