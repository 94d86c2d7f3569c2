"""bench_log measures on a database of its own."""

import io
import re

import pytest
from django.core.management import call_command

from conversations.log.models import Event
from tests.conversations.log_helpers import append, noted

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_measures_and_leaves_the_real_log_alone() -> None:
    append("test-a", noted())
    out = io.StringIO()
    call_command("bench_log", "--events", "40", "--writers", "4", stdout=out)
    assert re.search(r"4 writers +40 appends, P50 [\d.]+ ms", out.getvalue())
    assert re.search(r"durable appends: [\d,]+ a second", out.getvalue())
    assert Event.objects.count() == 1
    append("test-a", noted(), expected=1)
