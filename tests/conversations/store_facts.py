"""One example of every version of every fact, as the log stores it: what `test_stored_facts` keeps readable.

    python -m tests.conversations.store_facts

writes ``stored_facts/<type>.v<version>.json`` for each fact whose present version has none. A file that is there is
never written again: it stands for what lies in people's databases.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

FOLDER = Path(__file__).parent / "stored_facts"
_KEY = UUID("0198a000-0000-7000-8000-0000000000ee")
_EVENT = UUID("0198a000-0000-7000-8000-0000000000aa")
_STREAM = "conversation-0198a000-0000-7000-8000-00000000000a"


def file_of(type_: str, version: int) -> Path:
    return FOLDER / f"{type_}.v{version}.json"


def schema_of(fact: type[Any]) -> dict[str, Any]:
    """The form of a fact's payload: its fields, their types and defaults, and which of them are personal."""
    import msgspec

    schema = _bare(msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(fact))))
    own = schema["$defs"].pop(fact.__name__)
    return {"fields": own, "parts": schema["$defs"], "personal": sorted(fact.personal)}


def _bare(schema: Any) -> Any:
    """Without what only people read."""
    if isinstance(schema, dict):
        return {name: _bare(value) for name, value in schema.items() if name not in {"description", "title"}}
    return [_bare(value) for value in schema] if isinstance(schema, list) else schema


def sample(schema: Mapping[str, Any], parts: Mapping[str, Any], name: str) -> Any:
    """A value of that form, other than the default where it can be."""
    if "$ref" in schema:
        return sample(parts[schema["$ref"].rpartition("/")[2]], parts, name)
    if "anyOf" in schema:
        return sample(next(one for one in schema["anyOf"] if one != {"type": "null"}), parts, name)
    if "enum" in schema:
        return schema["enum"][-1]
    kind = schema["type"]
    if kind == "array":
        inner = schema.get("prefixItems") or [schema["items"]] * 2
        return [sample(one, parts, name) for one in inner]
    if kind == "object":
        return {key: sample(one, parts, key) for key, one in schema.get("properties", {}).items()}
    return {"string": f"{name} 文字", "integer": 7, "number": 7.5, "boolean": not schema.get("default", False)}[kind]


def example(fact: type[Any]) -> dict[str, Any]:
    """The stored example of a fact's present version."""
    from conversations.log import crypto
    from conversations.log.chain import GENESIS, compute_hash, timestamp
    from conversations.log.codec import canonical, encode_payload
    from conversations.log.keys import DataKey
    from conversations.log.models import Event
    from conversations.log.types import Metadata, NewEvent

    schema = schema_of(fact)
    payload = sample(schema["fields"], schema["parts"], fact.type)
    key = DataKey(_KEY, crypto.new_key())
    metadata = Metadata(actor="actor", session="session", correlation="turn")
    new = NewEvent(fact.type, payload, fact.version, fact.personal, metadata)
    row = Event(
        position=1,
        event_id=_EVENT,
        stream=_STREAM,
        sequence=1,
        type=fact.type,
        version=fact.version,
        payload=encode_payload(new, _EVENT, key),
        metadata=canonical({"actor": "actor", "session": "session", "correlation": "turn"}),
        recorded_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        prev_hash=GENESIS,
    )
    row.hash = compute_hash(row)
    stored = {field.attname: getattr(row, field.attname) for field in Event._meta.concrete_fields}
    return {
        "row": stored | {"event_id": str(_EVENT), "recorded_at": timestamp(row.recorded_at)},
        "words_key": {"id": str(_KEY), "secret": base64.b64encode(key.secret).decode()},
        "schema": schema,
        "reads_as": payload,
    }


def main() -> None:
    import django

    django.setup()
    from conversations.log.facts import FACTS

    FOLDER.mkdir(exist_ok=True)
    for fact in FACTS.values():
        path = file_of(fact.type, fact.version)
        if not path.exists():
            path.write_text(json.dumps(example(fact), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avatar_project.settings")
    main()
