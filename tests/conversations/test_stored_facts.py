"""What was recorded once stays readable: an example of each version of each fact, as it lies in people's databases."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from conversations.log import facts
from conversations.log.chain import compute_hash
from conversations.log.codec import decode
from conversations.log.facts import FACTS, Fact, UnknownFact, added_optional, decode_fact
from conversations.log.keys import DataKey, KeyRing
from conversations.log.models import Event, Key
from tests.conversations.store_facts import FOLDER, file_of, schema_of

FILES = sorted(FOLDER.glob("*.json"))
_HOW = "store an example with `python -m tests.conversations.store_facts`"


def _row(example: Mapping[str, Any]) -> Event:
    row = dict(example["row"])
    row["event_id"] = UUID(row["event_id"])
    row["recorded_at"] = datetime.fromisoformat(row["recorded_at"])
    return Event(**row)


def _ring(example: Mapping[str, Any]) -> KeyRing:
    key = DataKey(UUID(example["words_key"]["id"]), base64.b64decode(example["words_key"]["secret"]))
    ring = KeyRing(example["row"]["stream"])
    ring.by_id[key.id] = Key(id=key.id, stream=ring.stream)
    ring.opened[key.id] = key
    return ring


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_fact_reads_as_it_was_meant(path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    row = _row(example)
    assert compute_hash(row) == row.hash, "the chain is computed as it was"
    recorded = decode(row, _ring(example))
    assert not recorded.redacted
    read = msgspec.json.decode(msgspec.json.encode(decode_fact(recorded.type, recorded.version, recorded.payload)))
    assert {name: read.get(name) for name in example["reads_as"]} == example["reads_as"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_fact_reads_without_its_words_when_they_were_erased(path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    recorded = decode(_row(example), KeyRing(example["row"]["stream"]))
    assert recorded.redacted == bool(example["schema"]["personal"])
    read = decode_fact(recorded.type, recorded.version, recorded.payload, redacted=recorded.redacted)
    assert {getattr(read, name) for name in type(read).personal} <= {""}


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.type)
def test_a_changed_fact_has_a_new_version_with_an_example(fact: type[Fact]) -> None:
    path = file_of(fact.type, fact.version)
    assert path.exists(), f"{fact.type} version {fact.version} is new: {_HOW}"
    stored = json.loads(path.read_text(encoding="utf-8"))["schema"]
    assert schema_of(fact) == stored, (
        f"{fact.__name__} is not what version {fact.version} was: raise its version, "
        f"give it the step from the version before, then {_HOW}"
    )


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.type)
def test_every_older_version_has_an_example_and_a_step(fact: type[Fact]) -> None:
    for version in range(1, fact.version):
        assert file_of(fact.type, version).exists(), "examples are never removed"
    assert len(fact.steps) == fact.version - 1


def test_an_example_of_a_fact_that_is_gone_is_still_readable() -> None:
    assert {path.name.rpartition(".v")[0] for path in FILES} <= FACTS.keys()


def test_older_versions_are_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    class Said(Fact, frozen=True, kw_only=True):
        type = "test.said"
        version = 3
        steps = (_seconds_to_milliseconds, added_optional)
        personal = frozenset({"words"})
        words: str
        length_ms: int
        tone: str = ""

    monkeypatch.setitem(FACTS, "test.said", Said)

    assert decode_fact("test.said", 1, {"words": "hello", "length_s": 2}) == Said(words="hello", length_ms=2000)
    assert decode_fact("test.said", 2, {"words": "hello", "length_ms": 5}) == Said(words="hello", length_ms=5)
    assert decode_fact("test.said", 1, {"length_s": 2}, redacted=True) == Said(words="", length_ms=2000)
    with pytest.raises(UnknownFact):
        decode_fact("test.said", 4, {"words": "hello", "length_ms": 5})


def _seconds_to_milliseconds(payload: facts.Payload) -> facts.Payload:
    payload["length_ms"] = payload.pop("length_s") * 1000
    return payload
