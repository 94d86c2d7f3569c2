"""How speech is asked for and how an answer says who speaks: OpenAI's request with an ``avatar`` field more."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from inference.ports import SpeechWish
from inference.types import SpeechMade, WatermarkFound
from inference.wire_errors import decode

_HEADER = "X-Avatar-"
_PLAIN = "/:+@ ."


def speech_body(text: str, wish: SpeechWish) -> bytes:
    """A speech request; a reference is named, not sent: the host says when it has not got it."""
    body: dict[str, Any] = {
        "input": text,
        "voice": wish["voice"],
        "language": wish["language"],
        "speed": wish.get("speed", 1.0),
        "response_format": "pcm",
    }
    if instructions := wish.get("instructions", ""):
        body["instructions"] = instructions
    reference, quality = wish.get("reference"), wish.get("quality", "fast")
    if reference is not None or quality != "fast":
        named = {"reference": reference.id, "digest": reference.digest} if reference else {}
        body["avatar"] = {**named, "quality": quality}
    return msgspec.json.encode(body)


def made_headers(made: SpeechMade) -> dict[str, str]:
    """``X-Avatar-Engine`` and its kin; what is not plain ASCII is percent-encoded."""
    values = {name: str(getattr(made, name)) for name in made.__struct_fields__}
    return {_HEADER + name.capitalize(): quote(value, safe=_PLAIN) for name, value in values.items()}


def read_watermark(body: bytes) -> WatermarkFound:
    """Raises `EngineError` for an answer that is none."""
    return decode(body, WatermarkFound)


def read_made(headers: Mapping[str, str]) -> SpeechMade:
    """What the host says about an answer; another server's answer says nothing, so nothing is claimed of it."""
    told = {name: unquote(headers.get(_HEADER + name.capitalize(), "")) for name in SpeechMade.__struct_fields__}
    return SpeechMade(
        engine=told["engine"],
        model=told["model"],
        voice=told["voice"],
        cloned=told["cloned"] == "True",
        watermarked=told["watermarked"] == "True",
        fallback=told["fallback"],
        quality="fine" if told["quality"] == "fine" else "fast",
    )
