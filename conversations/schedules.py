"""What the task cluster does by the clock. `manage.py prepare` puts it into django-q2's table at every start."""

from datetime import timedelta

import msgspec
from django.conf import settings
from django.utils import timezone
from django_q.models import Schedule

HOUR = 60


class Periodic(msgspec.Struct, frozen=True):
    """``function`` is a dotted path and takes no arguments; it runs every ``minutes``."""

    name: str
    function: str
    minutes: int


def periodic() -> tuple[Periodic, ...]:
    """Everything that the settings ask for."""
    wanted = [
        Periodic("avatar: flag rules", "conversations.tasks.apply_rules", 1),
        Periodic("avatar: lost sessions", "conversations.tasks.close_lost_sessions", 1),
        Periodic("avatar: search index", "conversations.tasks.catch_up_search", 1),
        Periodic("avatar: purge what was erased", "conversations.tasks.purge_erased", HOUR),
        Periodic("avatar: end consents", "voices.tasks.end_consents", 1),
        Periodic("avatar: recall references", "voices.tasks.recall_references", 1),
        Periodic("avatar: lost previews", "voices.tasks.give_up_previews", 10),
        Periodic("avatar: lost examinations", "voices.tasks.tidy_examinations", 10),
        Periodic("avatar: sweep sounds", "conversations.tasks.sweep_sounds", 24 * HOUR),
    ]
    if settings.KEEP_DAYS or settings.KEEP_SOUND_DAYS:
        wanted.append(Periodic("avatar: retention", "conversations.tasks.apply_retention", HOUR))
    if settings.HEADS_DIR is not None:
        wanted.append(Periodic("avatar: export heads", "conversations.tasks.export_heads", settings.HEADS_MINUTES))
    return tuple(wanted)


def later(function: str, arguments: tuple[str, ...], *, minutes: int) -> Schedule:
    """Lets the task cluster call ``function`` once, in so many minutes, unless the row is deleted before."""
    return Schedule.objects.create(
        name=f"once: {function.rpartition('.')[2]}",
        func=function,
        args=repr(arguments),
        schedule_type=Schedule.ONCE,
        repeats=-1,
        next_run=timezone.now() + timedelta(minutes=minutes),
    )


def ensure() -> None:
    """Makes the table say what `periodic` says; schedules of others' making are left alone."""
    wanted = periodic()
    Schedule.objects.filter(name__startswith="avatar: ").exclude(name__in=[one.name for one in wanted]).delete()
    for one in wanted:
        Schedule.objects.update_or_create(
            name=one.name,
            defaults={
                "func": one.function,
                "schedule_type": Schedule.MINUTES,
                "minutes": one.minutes,
                "repeats": -1,
            },
        )
