"""What the whole suite needs: an environment of its own before the settings are read, and a log that can be emptied."""

import atexit
import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server import stack as stack  # noqa: PLC0414  (a fixture for every test)

os.environ["DJANGO_SETTINGS_MODULE"] = "avatar_project.settings"
_data_dir = tempfile.mkdtemp(prefix="avatar-test-")
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
os.environ["AVATAR_DATA_DIR"] = _data_dir
os.environ["AVATAR_SECRET_KEY"] = "a secret key for tests"
os.environ["AVATAR_MASTER_KEY"] = base64.b64encode(bytes(range(32))).decode()


def pytest_configure() -> None:
    """Reads the settings now, after the environment: pytest-django sets Django up once they are."""
    from django.conf import settings

    assert settings.DATABASES


_FROM_MIGRATIONS = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_past_the_triggers() -> Iterator[None]:
    """After a test that commits Django flushes all tables; the triggers of the log would refuse it.

    Only the tests know how to take them away, and only for the moment of the emptying. What migrations put in stays,
    so nothing has to be put in anew. A test that goes through the log must commit (``django_db(transaction=True)``):
    its threads have connections of their own.
    """
    from django.db import connection, transaction
    from django.test import TransactionTestCase

    from conversations.log import triggers

    def teardown(_self: Any) -> None:
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
            for name in triggers.SQLITE:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            for table in (*(tables - _FROM_MIGRATIONS), "sqlite_sequence"):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            triggers.install()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield
