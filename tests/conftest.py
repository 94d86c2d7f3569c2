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


@pytest.fixture(scope="session", autouse=True)
def _flush_passes_the_triggers() -> Iterator[None]:
    """Django empties all tables after a test that commits; the triggers of the log would refuse it.

    Only the tests know how to take them away, and only for the moment of the flush. A test that goes through the log
    must commit (``django_db(transaction=True)``): its threads have connections of their own.
    """
    from django.db import connection
    from django.test import TransactionTestCase

    from conversations.log import triggers

    flush = TransactionTestCase._fixture_teardown

    def teardown(self: Any) -> None:
        with connection.cursor() as cursor:
            for name in triggers.SQLITE:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        try:
            flush(self)
        finally:
            triggers.install()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield
