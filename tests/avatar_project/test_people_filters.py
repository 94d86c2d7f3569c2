"""The lists of people and of keys in the admin are filtered by what they show, and by nothing else."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.conversations.moderating import person

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/avatar_project/user/"
KEYS = "/admin/avatar_project/apikey/"


@pytest.mark.parametrize(
    "query",
    [
        *("email__startswith=a", "email=a", "password__startswith=a", "last_name__gt=a", "is_superuser__exact=1"),
        "conversation__title__contains=a",
    ],
)
def test_a_moderator_reads_no_address_letter_by_letter(query: str) -> None:
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    assert client.get(f"{PEOPLE}?{query}").status_code == 400


def test_the_filters_of_people_work() -> None:
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    person("guest", is_guest=True)
    group = Group.objects.get(name="moderator").pk
    filters = {"is_guest__exact=1": "guest", "is_staff__exact=1": "mia", f"groups__id__exact={group}": "mia"}
    for query, name in filters.items():
        page = client.get(f"{PEOPLE}?{query}&is_active__exact=1&o=1&q={name}")
        assert [row.username for row in page.context["cl"].result_list] == [name]


@pytest.mark.parametrize("query", ["digest__startswith=a", "owner__email__startswith=a", "owner__password__gt=a"])
def test_keys_are_filtered_by_whether_they_hold(query: str) -> None:
    client = Client()
    client.force_login(person("root", is_staff=True, is_superuser=True))
    assert client.get(f"{KEYS}?{query}").status_code == 400
    assert client.get(f"{KEYS}?revoked_at__isempty=1").status_code == 200
