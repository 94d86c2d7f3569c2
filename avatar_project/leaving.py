"""What becomes of an account when its person is erased: closed at once, and nameless at the end.

The row stays, for the record names its opaque id (docs/adr/0088). Both may happen twice.
"""

from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.dispatch import receiver

from avatar_project.models import ApiKey, User
from conversations.signals import person_forgotten, person_leaving


@receiver(person_leaving)
def close_account(user_id: UUID, **_: object) -> None:
    """Nobody comes in as this person any more: not with a password, a cookie, or a key."""
    User.objects.filter(id=user_id).update(is_active=False)
    _end_sessions(user_id)
    ApiKey.objects.filter(owner_id=user_id).delete()


@receiver(person_forgotten)
def forget_name(user_id: UUID, **_: object) -> None:
    """Leaves the row without anything that says who it was."""
    person = User.objects.get(id=user_id)
    person.username = f"erased-{person.id.hex}"
    person.first_name = person.last_name = person.email = ""
    person.is_staff = person.is_superuser = person.is_active = False
    person.last_login = None
    person.set_unusable_password()
    person.save()
    person.groups.clear()
    person.user_permissions.clear()
    # The admin's own diary repeats the name that an object had.
    LogEntry.objects.filter(object_id=str(user_id)).update(object_repr=person.username, change_message="")


def _end_sessions(user_id: UUID) -> None:
    """Sessions name their person only inside: each has to be looked into."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for session in Session.objects.iterator():
        if store().decode(session.session_data).get(SESSION_KEY) == str(user_id):
            session.delete()
