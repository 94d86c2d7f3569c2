"""What the whole suite needs: an environment of its own before the settings are read, and a log that can be emptied.

``AVATAR_TEST_DATABASE=postgresql pytest`` runs the tests that use the database on PostgreSQL (tests/postgres.py).
"""

import atexit
import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests import postgres
from tests.postgres import own_postgresql as own_postgresql  # noqa: PLC0414  (fixtures for every test)
from tests.server import stack as stack  # noqa: PLC0414

os.environ["DJANGO_SETTINGS_MODULE"] = "avatar_project.settings"
_data_dir = tempfile.mkdtemp(prefix="avatar-test-")
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
os.environ["AVATAR_DATA_DIR"] = _data_dir
os.environ["AVATAR_SECRET_KEY"] = "a secret key for tests"
os.environ["AVATAR_MASTER_KEY"] = base64.b64encode(bytes(range(32))).decode()
ON_POSTGRESQL = os.environ.get("AVATAR_TEST_DATABASE") == "postgresql"
# Never the database of whoever runs the tests; the processes that tests start have one of their own in any case.
os.environ["DATABASE_URL"] = postgres.server().create_database() if ON_POSTGRESQL else ""


def pytest_configure() -> None:
    """Reads the settings now, after the environment: pytest-django sets Django up once they are."""
    from django.conf import settings

    assert settings.DATABASES
    if ON_POSTGRESQL:
        os.environ["DATABASE_URL"] = ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what the database could make a difference to, and is not tested with both already."""
    if ON_POSTGRESQL:
        wanted = [item for item in items if _uses_the_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(wanted)])
        items[:] = wanted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why a test was run once more: the plugin shows the last failure only, the first is often the telling one."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first failure of {report.nodeid}", sep="-")
        terminalreporter.write_line(report.longreprtext)
        for title, text in report.sections:
            terminalreporter.write_line(f"{title}:\n{text[-4000:]}")


def _uses_the_database(item: pytest.Item) -> bool:
    if any(item.get_closest_marker(name) for name in ("browser", "server", "models", "both_databases", "scale")):
        return False
    return item.get_closest_marker("django_db") is not None or bool(
        {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    )


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
    from tests.conversations.log_helpers import drop_triggers

    def teardown(_self: Any) -> None:
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        emptied = [*(tables - _FROM_MIGRATIONS), "log_mark" if ON_POSTGRESQL else "sqlite_sequence"]
        with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
            drop_triggers(cursor)
            for table in emptied:
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            triggers.install()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is connected to: the log's threads end before, and what is left."""
    from django.db import connection

    from conversations.log.eventlog import event_log

    yield
    event_log().close()
    if ON_POSTGRESQL:
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _each_begins_in_english() -> Iterator[None]:
    """A page that a test asks for in another language leaves that language with the thread."""
    from django.utils import translation

    yield
    translation.deactivate()
