"""What each role can see and do in the admin: a status for every address, and only what the role is for."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client

from avatar_project.models import User
from conversations.log.models import Event
from conversations.models import Conversation, Flag
from conversations.services import moderation
from tests.conversations.moderating import ONE, held, person

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ("moderator", "voice manager", "auditor", "integrator")
M, V, A, I = ROLES  # noqa: E741
TALK = f"/admin/conversations/conversation/{ONE}/"
READ: dict[str, set[str]] = {
    "/admin/": {M, V, A, I},
    "/admin/password_change/": {M, V, A, I},
    "/admin/conversations/": {M, V, A, I},
    "/admin/log/": {M, A, I},
    "/admin/auth/": set(),
    "/admin/auth/group/": set(),
    "/admin/avatar_project/user/": {M, A},
    "/admin/avatar_project/user/add/": set(),
    "/admin/avatar_project/user/{person}/change/": {M, A},
    "/admin/avatar_project/user/{person}/password/": set(),
    "/admin/avatar_project/user/{person}/delete/": set(),
    "/admin/avatar_project/user/{person}/do/block/": {M},
    "/admin/avatar_project/user/{person}/do/erase/": {M},
    "/admin/conversations/conversation/": {M, V, A, I},
    TALK + "change/": {M, V, A, I},
    TALK + "delete/": set(),
    TALK + "do/flag/": {M},
    TALK + "do/hide/": {M},
    TALK + "do/erase/": {M},
    TALK + "do/redact/?of=t1": {M},
    TALK + "do/dismiss/?of={flag}": {M},
    TALK + "do/mute/?of=s-1": {M},
    TALK + "do/end/?of=s-1": {M},
    TALK + "replay": set(),  # until somebody has opened it and said why
    TALK + "timeline": set(),
    "/admin/conversations/turn/": {M, V, A, I},
    "/admin/conversations/recording/": {M, A},
    "/admin/conversations/flag/": {M, A},
    "/admin/conversations/flagrule/": {M, A},
    "/admin/conversations/flagrule/add/": {M},
    "/admin/conversations/session/": {M, A, I},
    "/admin/log/event/": {M, A, I},
    "/admin/log/event/{position}/change/": {M, A, I},
    "/admin/log/event/{position}/delete/": set(),
}
WRITE: dict[str, set[str]] = {
    TALK + "words/": {M},
    TALK + "verify/": {A},
    "/admin/log/event/verify/": {A},
    "/admin/log/event/{position}/read/": {M},
}


@pytest.fixture
def places() -> dict[str, str]:
    owner = person("owner")
    held(owner)
    moderation.flag(ONE, actor=None, reason="hate", rule="slurs")
    return {
        "person": str(owner.pk),
        "flag": Flag.objects.get().flag_id,
        "position": str(Event.objects.filter(type="user.transcribed").order_by("position")[0].position),
    }


@pytest.mark.parametrize("role", ROLES)
def test_each_address_answers_each_role_as_the_table_says(role: str, places: dict[str, str]) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(person("somebody", role=role, is_staff=True))
    wrong = []
    for path, roles in READ.items():
        status = client.get(path.format(**places)).status_code
        if (status == 200) != (role in roles) or status not in {200, 403, 404}:
            wrong.append((path, status))
    for path, roles in WRITE.items():
        status = client.post(path.format(**places), {"reason": "flag"}).status_code
        if (status == 302) != (role in roles) or status not in {302, 403}:
            wrong.append((path, status))
    assert wrong == []


def test_every_list_of_the_admin_is_in_the_table() -> None:
    """A page that is added later has to say who may see it."""
    known = {path.split("?")[0] for path in READ}
    for model in admin.site._registry:
        opts = model._meta
        if opts.app_label in {"conversations", "log", "avatar_project", "auth"}:
            lists = f"/admin/{opts.app_label}/{opts.model_name}/"
            assert lists in known or opts.model_name in {"apikey", "rerunjob"}, lists


def test_nobody_else_gets_in(places: dict[str, str]) -> None:
    role_without_staff = person("outsider", role="moderator")
    blocked = person("blocked", role="moderator", is_staff=True)
    for user in (role_without_staff, blocked, None):
        client = Client()
        if user is not None:
            client.force_login(user)
        User.objects.filter(username="blocked").update(is_active=False)
        for path in (*READ, TALK + "turns/1/user/audio", TALK + "audio"):
            answer = client.get(path.format(**places))
            assert answer.status_code in {302, 403}, path
            assert answer.status_code == 403 or "login" in answer.headers["Location"], path


def test_a_blocked_person_cannot_sign_in_to_the_admin() -> None:
    person("mia", role="moderator", is_staff=True, is_active=False)
    answer = Client().post("/admin/login/", {"username": "mia", "password": "a password of theirs"})
    assert answer.status_code == 200
    assert "errornote" in answer.content.decode()


def test_the_roles_hold_what_exists_and_nothing_that_edits_the_record() -> None:
    for role in ROLES:
        held_by = set(Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename"))
        assert held_by
        editing = {name for app, name in held_by if name.startswith(("add_", "change_", "delete_"))}
        assert {name for name in editing if not name.endswith("_flagrule")} == set()
    auditor = Group.objects.get(name="auditor").permissions.values_list("codename", flat=True)
    assert {name for name in auditor if not name.startswith("view_")} == {"verify_record"}
    moderator = set(Group.objects.get(name="moderator").permissions.values_list("codename", flat=True))
    assert not moderator & {"verify_record", "read_feed", "change_user"}


def test_migrating_again_makes_no_permission_twice_and_keeps_an_administrators_changes() -> None:
    group = Group.objects.get(name="auditor")
    removed = group.permissions.get(codename="view_event")
    group.permissions.remove(removed)
    try:
        call_command("migrate", verbosity=0)
        assert not group.permissions.filter(codename="view_event").exists()
        named = Permission.objects.values_list("content_type__app_label", "content_type__model", "codename")
        assert len(named) == len(set(named))
    finally:
        group.permissions.add(removed)


def test_permissions_that_the_roles_made_are_those_of_the_models() -> None:
    """Django would make a second one beside a misspelt one."""
    from django.contrib.contenttypes.models import ContentType

    for permission in Permission.objects.filter(group__name__in=ROLES).select_related("content_type"):
        content_type: ContentType = permission.content_type
        model = content_type.model_class()
        if model is None:  # Its app is still to come.
            continue
        opts = model._meta
        names = {f"{act}_{opts.model_name}": f"Can {act} {opts.verbose_name}" for act in opts.default_permissions}
        names |= dict(opts.permissions)
        assert permission.codename in names
        assert permission.name == names[permission.codename]


def test_the_pages_lead_the_staff_to_the_admin() -> None:
    for user, leads in ((person("mia", role="moderator", is_staff=True), True), (person("ada"), False)):
        client = Client()
        client.force_login(user)
        assert ('href="/admin/"' in client.get("/chat").content.decode()) == leads


def test_an_administrator_adds_people_and_gives_them_roles() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    fields = {
        "username": "mia",
        "usable_password": "true",
        "password1": "a long one 4711",
        "password2": "a long one 4711",
    }
    assert client.post("/admin/avatar_project/user/add/", fields).status_code == 302
    mia = User.objects.get(username="mia")
    path = f"/admin/avatar_project/user/{mia.pk}/change/"
    assert client.get(path).status_code == 200
    role = Group.objects.get(name="moderator")
    answer = client.post(path, {"username": "mia", "is_staff": "on", "groups": [role.pk], "is_active": ""})
    assert answer.status_code == 302
    mia = User.objects.get(username="mia")
    assert (mia.is_staff, mia.is_active, list(mia.groups.all())) == (True, True, [role])
    assert Client().login(username="mia", password="a long one 4711")


def test_people_are_blocked_and_let_in_again(places: dict[str, str]) -> None:
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    path = f"/admin/avatar_project/user/{places['person']}/"
    assert "do/block/" in client.get(path + "change/").content.decode()
    client.post(path + "do/block/", {"confirmed": "yes", "reason": "abuse", "note": "shouted"})
    assert "shouted" in client.get(path + "change/").content.decode()
    auditor = Client()
    auditor.force_login(person("ada", role="auditor", is_staff=True))
    page = auditor.get(path + "change/").content.decode()
    assert ("blocked: Abuse" in page, "shouted" in page) == (True, False)
    assert not User.objects.get(username="owner").is_active
    assert "do/unblock/" in client.get(path + "change/").content.decode()
    client.post(path + "do/unblock/", {"confirmed": "yes", "reason": "resolved"})
    assert User.objects.get(username="owner").is_active


def test_a_person_is_erased_with_all_they_said(places: dict[str, str]) -> None:
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    path = f"/admin/avatar_project/user/{places['person']}/"
    assert "This cannot be undone" in client.get(path + "do/erase/").content.decode()
    client.post(path + "do/erase/", {"confirmed": "yes", "reason": "request"})
    assert not User.objects.filter(username="owner").exists()
    assert Conversation.objects.get().erased_at is not None


@pytest.mark.parametrize("deed", ["block", "erase"])
def test_a_moderator_does_nothing_to_the_staff(places: dict[str, str], deed: str) -> None:
    root = User.objects.create_superuser("root")
    User.objects.create_superuser("second")
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    path = f"/admin/avatar_project/user/{root.pk}/do/{deed}/"
    said = client.post(path, {"confirmed": "yes", "reason": "other"}, follow=True).content.decode()
    assert "Only a superuser" in said
    assert User.objects.get(username="root").is_active


def test_a_moderator_sees_no_address_and_no_password(places: dict[str, str]) -> None:
    User.objects.filter(username="owner").update(email="owner@example.org")
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    page = client.get(f"/admin/avatar_project/user/{places['person']}/change/").content.decode()
    assert "owner@example.org" not in page
    assert "argon2" not in page
