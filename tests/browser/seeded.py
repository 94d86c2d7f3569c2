"""A recorded conversation in a running installation, and somebody who is signed in to hear it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.server import ROOT, Stack


@dataclass(frozen=True)
class Seeded:
    """``cookie``: the owner's session."""

    conversation_id: str
    cookie: dict[str, Any]


def seed(stack: Stack) -> Seeded:
    """Four turns of tones: one cut off by the next, one redacted, one typed; made by the installation's own code."""
    command = [sys.executable, "-m", "tests.browser.seeded"]
    environment = {**stack.environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return Seeded(
        told["conversation"],
        {"name": f"avatar_session_{stack.port}", "value": told["session"], "url": stack.base_url},
    )


def main() -> None:
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from avatar_project.models import User
    from conversations.events import TurnRedacted, UserWrote
    from tests.conversations.replayed import Recorded

    owner = User.objects.create_user(f"owner-{User.objects.count()}")
    recorded = Recorded(str(owner.pk))
    recorded.user("t1", 0, 1000, "The first question.")
    recorded.reply("t1", 1500, 4000, heard_ms=2000, text="An answer that is cut off in the middle of it.")
    recorded.user("t2", 3200, 1200, "The second question.")
    recorded.reply("t2", 9000, 2000, text="Another answer.")
    recorded.user("t3", 12_000, 1000, "Something to be forgotten.")
    recorded.record("", TurnRedacted(turn_id="t3", reason="asked"))
    recorded.record("t4", UserWrote(item_id="u-t4", text="Typed."))
    session = SessionStore()
    session[SESSION_KEY] = str(owner.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = owner.get_session_auth_hash()
    session.save()
    print(json.dumps({"conversation": recorded.id, "session": session.session_key}))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avatar_project.settings")
    main()
