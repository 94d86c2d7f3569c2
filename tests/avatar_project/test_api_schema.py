"""The description of the API is complete, needs no sign-in, and says what is true of the code."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver

from avatar_project.api import urls

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema() -> dict[str, Any]:
    answer = Client().get("/api/schema/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/vnd.oai.openapi+json")
    body: dict[str, Any] = answer.json()
    return body


def test_it_is_valid_and_gives_no_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def test_every_address_is_described(schema: dict[str, Any]) -> None:
    def paths(patterns: list[Any], prefix: str) -> set[str]:
        found: set[str] = set()
        for each in patterns:
            if isinstance(each, URLResolver):
                found |= paths(each.url_patterns, prefix + str(each.pattern))
            elif isinstance(each, URLPattern) and each.name not in {"api_schema", "api_docs", "api_nowhere"}:
                found.add(prefix + str(each.pattern))
        return found

    import re

    known = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in paths(list(urls.urlpatterns), "/api/")}
    assert known == set(schema["paths"])


def test_every_operation_says_who_may_and_what_may_go_wrong(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["security"], where
            assert {"401", "403", "404", "429", "500"} <= operation["responses"].keys(), where
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"], where
    assert schema["components"]["securitySchemes"].keys() == {"key", "browser"}
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_keys_are_only_for_browsers(schema: dict[str, Any]) -> None:
    assert schema["paths"]["/api/keys/"]["post"]["security"] == [{"browser": []}]
    assert {"key": ["events:read"]} in schema["paths"]["/api/events/"]["get"]["security"]


def test_lists_say_how_their_pages_go(schema: dict[str, Any]) -> None:
    operation = schema["paths"]["/api/keys/"]["get"]
    assert {"cursor", "page_size"} <= {parameter["name"] for parameter in operation["parameters"]}
    reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    page = schema["components"]["schemas"][reference.rpartition("/")[2]]
    assert {"next", "previous", "results"} <= page["properties"].keys()


def test_the_page_loads_nothing_from_elsewhere() -> None:
    answer = Client().get("/api/docs/")
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "<style" not in body
    assert "style=" not in body
    assert "https://" not in body
