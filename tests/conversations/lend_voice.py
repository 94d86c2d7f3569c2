"""Puts a voice that everybody may use into a running installation: ``python -m tests.conversations.lend_voice``."""

import subprocess
import sys

from tests.server import ROOT, Stack


def lend_voice(stack: Stack, command: str = "lend", *arguments: str) -> str:
    """The same from a test: returns the profile's id."""
    called = [sys.executable, "-m", "tests.conversations.lend_voice", command, *arguments]
    done = subprocess.run(called, env=stack.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def main(command: str, *arguments: str) -> None:
    import django

    django.setup()
    from avatar_project.models import User
    from tests.voices import making
    from voices import services
    from voices.models import Utterance

    if command == "lend":
        print(making.shared(making.person("mia"), making.person("vera", "approve_voice", "revoke_voice")))
    elif command == "withdraw":
        services.withdraw_consent(arguments[0], actor=User.objects.get(username="mia"))
        print(arguments[0])
    else:
        rows = Utterance.objects.filter(voice=arguments[0])
        print(sum(bool(row.closed_at and row.watermarked and row.fingerprint) for row in rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
