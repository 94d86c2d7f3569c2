"""Flag rules in the admin: the one list there that is edited by hand, by those who may."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import FlagRule
from tests.conversations.moderators import moderator

pytestmark = pytest.mark.django_db(transaction=True)
EDIT = ("view_flagrule", "add_flagrule", "change_flagrule", "delete_flagrule")


def signed_in(*permissions: str, name: str = "mod") -> Client:
    browser = Client(SERVER_NAME="127.0.0.1", HTTP_HOST="127.0.0.1:8000")
    browser.force_login(moderator(*permissions, name=name))
    return browser


def form(**fields: Any) -> dict[str, Any]:
    made = {"name": "weapons", "enabled": "on", "language": "en", "kind": "words", "expression": "gun"}
    return {**made, "reason": "violence", **fields}


def test_a_rule_is_made_changed_and_removed() -> None:
    browser = signed_in(*EDIT)
    assert browser.post(reverse("admin:conversations_flagrule_add"), form()).status_code == 302
    rule = FlagRule.objects.get(name="weapons")
    assert (rule.language, rule.expression, rule.reason, rule.enabled) == ("en", "gun", "violence", True)
    change = reverse("admin:conversations_flagrule_change", args=[rule.pk])
    browser.post(change, form(expression="gun\nknife", enabled=""))
    rule.refresh_from_db()
    assert (rule.expression.split(), rule.enabled) == (["gun", "knife"], False)
    assert b"weapons" in browser.get(reverse("admin:conversations_flagrule_changelist")).content
    browser.post(reverse("admin:conversations_flagrule_delete", args=[rule.pk]), {"post": "yes"})
    assert not FlagRule.objects.filter(name="weapons").exists()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"kind": "pattern", "expression": "(a"}, "missing )"),
        ({"kind": "pattern", "expression": "(?=a)b"}, "look-around"),
        ({"expression": " \n "}, "required"),
        ({"reason": "because"}, "not one of the available choices"),
    ],
)
def test_a_rule_that_could_not_run_is_refused_with_a_reason(wrong: dict[str, str], why: str) -> None:
    answer = signed_in(*EDIT).post(reverse("admin:conversations_flagrule_add"), form(**wrong))
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert not FlagRule.objects.filter(name="weapons").exists()


def test_a_reason_of_a_programs_own_stays() -> None:
    rule = FlagRule.objects.create(name="own", expression="x", reason="our.own-code")
    page = signed_in(*EDIT).get(reverse("admin:conversations_flagrule_change", args=[rule.pk]))
    assert 'value="our.own-code" selected' in page.content.decode()


def test_who_may_only_look_changes_nothing() -> None:
    browser = signed_in("view_flagrule")
    assert browser.post(reverse("admin:conversations_flagrule_add"), form()).status_code == 403
    stranger = signed_in("watch_session", name="stranger")
    assert stranger.get(reverse("admin:conversations_flagrule_changelist")).status_code == 403
