"""``python -m inference.workers.cosyvoice OPTIONS``: serves CosyVoice on a Unix socket (`inference.workers.server`)."""

import os
import sys
from collections.abc import Iterable

import msgspec
from aiohttp import web

from inference.workers import speech
from inference.workers.cosyvoice.engine import CosyVoice
from inference.workers.cosyvoice.options import CosyVoiceOptions
from inference.workers.server import Jobs, Tell, serve


class CosyVoiceWorker:
    def __init__(self, options: CosyVoiceOptions) -> None:
        self._engine = CosyVoice(options)

    def load(self, tell: Tell) -> None:
        self._engine.load(tell)

    def routes(self, jobs: Jobs) -> Iterable[web.RouteDef]:
        return speech.routes(self._engine, jobs)


def main() -> int:
    options = msgspec.json.decode(sys.argv[1], type=CosyVoiceOptions)
    return serve(CosyVoiceWorker(options), options.socket, step_timeout_s=options.timeout_s)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
