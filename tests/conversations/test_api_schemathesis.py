"""The running server against its own description: whatever a client sends, it answers as the description says."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from avatar_project.api.schema import description
from tests.server import Stack

pytestmark = [pytest.mark.server]
EXAMPLES = 12
"""For each operation."""
PREPARE = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from tests.conversations import api_helpers
from tests.conversations.fill import fill
from voices import services
ada = api_helpers.person("ada", "read_feed", "read_statistics", "approve_voice")
filled = fill(conversations=12, turns=3, owner_ids=[str(ada.pk)], sound=b"OggS" + bytes(40_000))
session = SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(ada.pk), ada.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session.save()
voice = services.create(actor=ada, name="A voice")
said = {"key": api_helpers.key_of(ada), "session": session.session_key, "conversation": filled.conversation_ids[0]}
said["voice"] = voice
print(json.dumps(said))
"""
# Left out: data that fits the description and is refused all the same (a cursor that nobody gave, a span that ends
# before it begins) is no mistake.


class Prepared:
    """A running server with conversations, and the ways in."""

    def __init__(self, stack: Stack) -> None:
        said = stack.manage("shell", "--no-imports", "-v", "0", "-c", PREPARE).splitlines()[-1]
        known: dict[str, str] = json.loads(said)
        token = secrets.token_hex(16)
        self.conversation, self.voice = known["conversation"], known["voice"]
        self.program = {"Authorization": f"Bearer {known['key']}"}
        cookies = f"avatar_session_{stack.port}={known['session']}; avatar_csrf_{stack.port}={token}"
        self.browser = {"Cookie": cookies, "X-CSRFToken": token}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    limits = {f"AVATAR_API_{kind}_PER_MINUTE": "1000000" for kind in ("READS", "WRITES", "HEAVY")}
    with Stack(tmp_path_factory.mktemp("described"), limits, engines=False) as stack:
        yield stack


@pytest.fixture(scope="module")
def prepared(served: Stack) -> Prepared:
    return Prepared(served)


described = schemathesis.openapi.from_dict(json.loads(description()))
few = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def left_out(*names: str) -> list[Any]:
    return [CHECKS.get_one(name) for name in ("positive_data_acceptance", *names)]


@described.exclude(path_regex="^/api/keys/").parametrize()
@few
def test_it_does_as_it_says(case: schemathesis.Case[Any], served: Stack, prepared: Prepared) -> None:
    wrong_on_purpose = case.meta is not None and case.meta.generation.mode.is_negative
    if not wrong_on_purpose and case.method != "DELETE" and "conversation_id" in case.path_parameters:
        case.path_parameters["conversation_id"] = prepared.conversation
        if "number" in case.path_parameters:
            case.path_parameters["number"] = 1 + int(case.path_parameters["number"]) % 4
    if not wrong_on_purpose and "voice_id" in case.path_parameters:
        case.path_parameters["voice_id"] = prepared.voice
    headers = {} if "Authorization" in (case.headers or {}) else prepared.program
    how: dict[str, Any] = {"base_url": served.base_url, "headers": headers, "timeout": 20}
    response = case.call(**how)
    if case.media_type == "multipart/form-data" and response.status_code == 400 and not response.content:
        return  # Twisted's own answer to a form that it cannot read: nothing of ours has seen it.
    case.validate_response(response, headers=headers, excluded_checks=left_out(), transport_kwargs=how)


@described.include(path_regex="^/api/keys/").parametrize()
@few
def test_a_browser_manages_keys_as_it_says(case: schemathesis.Case[Any], served: Stack, prepared: Prepared) -> None:
    # The cookie is always there: what happens without it other tests say.
    checks = left_out("ignored_auth", "negative_data_rejection")
    case.call_and_validate(base_url=served.base_url, headers=prepared.browser, excluded_checks=checks, timeout=20)
