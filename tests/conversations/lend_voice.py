"""Puts a voice that everybody may use into a running installation: ``python -m tests.conversations.lend_voice``."""

import secrets
import subprocess
import sys

from tests.server import ROOT, Stack


def lend_voice(stack: Stack, command: str = "lend", *arguments: str) -> str:
    """The same from a test: returns the profile's id."""
    called = [sys.executable, "-m", "tests.conversations.lend_voice", command, *arguments]
    done = subprocess.run(called, env=stack.environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


class Withdrawal:
    """Started beforehand, since Django takes its seconds: the consent is taken back in the moment of `now`."""

    def __init__(self, stack: Stack, voice: str) -> None:
        command = [sys.executable, "-m", "tests.conversations.lend_voice", "withdraw", voice]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=stack.environment, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def now(self) -> None:
        told, _ = self._process.communicate("now\n", timeout=60)
        assert self._process.returncode == 0
        assert told == "withdrawn\n"


def main(command: str, *arguments: str) -> None:
    import django

    django.setup()
    from tests.voices import making
    from voices import services
    from voices.models import Utterance, Voice

    if command == "lend":
        ending = secrets.token_hex(4)  # a test that is run once more lends another voice
        manager = making.person(f"vera-{ending}", "approve_voice", "revoke_voice")
        print(making.shared(making.person(f"mia-{ending}"), manager))
    elif command == "withdraw":
        voice = Voice.objects.select_related("owner").get(id=arguments[0])
        assert voice.owner
        print("ready", flush=True)
        sys.stdin.readline()
        services.withdraw_consent(arguments[0], actor=voice.owner)
        print("withdrawn")
    else:
        rows = Utterance.objects.filter(voice=arguments[0])
        print(sum(bool(row.closed_at and row.watermarked and row.fingerprint) for row in rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
