"""A stand-in for an engine's process, for its faults: `python contrived_engine.py SOCKET FOLDER`.

``FOLDER`` says what it does: a file ``broken`` makes it exit at once with status 3, ``stuck`` lets its health hang,
``mute`` keeps it from listening,
``loading`` keeps it loading, ``failed`` lets it say that it failed. It starts a child and a grandchild that has left
its session, whose ids it writes into ``family``; SIGTERM is ignored.
"""

import http.server
import json
import os
import signal
import socketserver
import sys
import time
from pathlib import Path

SOCKET, FOLDER = sys.argv[1], Path(sys.argv[2])


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        while (FOLDER / "stuck").exists():
            time.sleep(0.05)
        state = next((name for name in ("loading", "failed") if (FOLDER / name).exists()), "ready")
        body = json.dumps({"state": state, "progress": 0.5, "detail": "Reading weights.", "memory_bytes": 7}).encode()
        self.send_response(200 if state == "ready" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_: object) -> None:
        print("prompt: what somebody said", flush=True)


def main() -> None:
    if (FOLDER / "broken").exists():
        print("RuntimeError: CUDA error: out of memory", file=sys.stderr)
        sys.exit(3)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    family = [os.getpid()]
    for leaves in (False, True):
        pid = os.fork()
        if pid == 0:
            if leaves:
                os.setsid()
            time.sleep(600)
            os._exit(0)
        family.append(pid)
    (FOLDER / "family").write_text(" ".join(map(str, family)))
    while (FOLDER / "mute").exists():
        print("Loading shards: 40% Completed\r", end="", flush=True)
        time.sleep(0.05)
    with socketserver.ThreadingUnixStreamServer(SOCKET, Health) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
