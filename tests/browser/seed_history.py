"""Puts a person with a history into a running installation: ``python -m tests.browser.seed_history NAME``, in its
environment. Prints the session's cookie and the conversations' ids as JSON."""

import json
import math
import secrets
import struct
import subprocess
import sys
from typing import Any

from tests.server import ROOT, Stack


def seed(stack: Stack, name: str) -> dict[str, Any]:
    """The same from a test, as often as it is run: the person's name gets an ending of its own."""
    command = [sys.executable, "-m", "tests.browser.seed_history", f"{name}-{secrets.token_hex(4)}"]
    done = subprocess.run(command, env=stack.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seeded: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seeded


def main(name: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from avatar_project.models import User
    from inference.audio.opus import encode_opus
    from tests.conversations.talks import Said, Talk

    user = User.objects.create_user(name, password=f"{name}'s password")
    tone = b"".join(struct.pack("<h", int(6000 * math.sin(i / 10) * math.sin(i / 4000))) for i in range(36_000))
    sound = encode_opus(tone)
    english = Talk(str(user.pk), sound=sound).say(
        Said("What is the weather like tomorrow?", "It stays dry until noon. Take an umbrella for the evening."),
        Said(
            "Tell me a story about a lighthouse.",
            "Once there was a keeper who counted ships. One night he counted two. The second was the moon.",
            heard="Once there was a keeper who counted ships.",
        ),
        Said("How did it end?", "He wrote both into his book."),
    )
    chinese = Talk(str(user.pk), language="zh-TW", voice="kokoro-xiaoxiao", sound=sound).say(
        Said("明天天氣怎麼樣？", "中午以前不會下雨。晚上請帶雨傘。", language="zh"),
        Said("月亮離我們多遠？", "大約三十八萬公里。光只要一秒多一點。", language="zh"),
    )
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key}
    print(json.dumps({"cookie": cookie, "english": english.id, "chinese": chinese.id}))


if __name__ == "__main__":
    main(sys.argv[1])
