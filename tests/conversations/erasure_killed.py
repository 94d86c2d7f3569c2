"""A process that is killed (SIGKILL) in the middle of an erasure.

Commands: ``prepare``, ``kill WHAT STEP``, ``again WHAT``, ``cluster`` (what the task cluster would do), ``purge``; WHAT
is ``conversation`` or ``person``. All but ``prepare`` and ``kill`` also prove the record, before and after.

STEP: ``in-transaction`` (the keys are destroyed, nothing is committed), ``before-files``, ``between-files`` (one file
is gone), ``between-conversations`` (of a person).
"""

import ast
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402
from django_q.models import Schedule  # noqa: E402

from conversations import search  # noqa: E402
from conversations.keeping import sweeping  # noqa: E402
from conversations.log.audio import AudioStore  # noqa: E402
from conversations.models import Conversation  # noqa: E402
from conversations.services import burial, erasure  # noqa: E402
from tests.conversations.conversing import person, talked  # noqa: E402


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying(function: Callable[..., Any], *, after: int) -> Callable[..., Any]:
    """Carries out ``after`` calls, then dies in the next one's place."""
    calls = 0

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            _die()
        return function(*args, **kwargs)

    return wrapper


def _arm(step: str) -> None:
    match step:
        case "in-transaction":
            search.forget = _dying(search.forget, after=0)
        case "before-files":
            sweeping.remove_sounds = _dying(sweeping.remove_sounds, after=0)
        case "between-files":
            AudioStore.delete = _dying(AudioStore.delete, after=1)  # type: ignore[method-assign]
        case "between-conversations":
            burial.bury = _dying(burial.bury, after=1)


def _prepare() -> None:
    call_command("migrate", verbosity=0)
    owner_id = person("ada")
    for _ in range(2):
        async_to_sync(talked)(owner_id, ("A question", "An answer"), ("Another", "Yes"))


def _erase(what: str) -> None:
    if what == "person":
        erasure.erase_person(get_user_model().objects.get().pk, actor=None, reason="request")
    else:
        first = Conversation.objects.order_by("started_at")[0]
        erasure.erase_conversation(first.id, actor=None, reason="request")


def _prove() -> None:
    call_command("verify_chain")
    call_command("rebuild_projections", check=True)


def main(command: str, what: str = "", step: str = "") -> None:
    match command:
        case "prepare":
            _prepare()
        case "kill":
            _arm(step)
            _erase(what)
        case "again":
            _prove()
            _erase(what)
            _prove()
        case "cluster":
            _prove()
            promised = Schedule.objects.get(func=erasure.FINISH)
            import_string(promised.func)(*ast.literal_eval(promised.args))
            _prove()
        case "purge":
            _prove()
            call_command("purge_erased")
            _prove()


if __name__ == "__main__":
    main(*sys.argv[1:])
