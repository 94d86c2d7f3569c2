"""From a text frame to a client event, or to the error that names what is wrong with it."""

import re

import msgspec

from conversations.realtime.protocol.client_events import AnyClientEvent
from conversations.realtime.protocol.errors import ProtocolError

_decoder: msgspec.json.Decoder[AnyClientEvent] = msgspec.json.Decoder(AnyClientEvent)
_PATH = re.compile(r" - at `\$\.?(.*?)`")
_KNOWN = frozenset(kind.__struct_config__.tag for kind in AnyClientEvent.__args__)


class _Head(msgspec.Struct):
    type: str | None = None
    event_id: str | None = None


_head = msgspec.json.Decoder(_Head)


def decode(text: str | bytes) -> AnyClientEvent:
    """Reads one event; raises `ProtocolError` carrying the client's event id where there is one."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _refusal(text, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ProtocolError("invalid_json", "The message is not a JSON object.") from None


def _refusal(text: str | bytes, message: str) -> ProtocolError:
    try:
        head = _head.decode(text)
    except msgspec.DecodeError:
        return ProtocolError("invalid_event", "An event is a JSON object whose `type` and `event_id` are strings.")
    if head.type is None:
        return ProtocolError("missing_required_parameter", "The event has no `type`.", "type", head.event_id)
    if head.type not in _KNOWN:
        known = ", ".join(sorted(map(str, _KNOWN)))
        text = f"{head.type[:100]!r} is not an event that this server knows. It knows: {known}."
        return ProtocolError("unknown_event", text, "type", head.event_id)
    return invalid(message, event_id=head.event_id)


def invalid(message: str, *, prefix: str = "", event_id: str | None = None) -> ProtocolError:
    """The protocol's error for a `msgspec.ValidationError`, with the path of the value as ``param``."""
    path = _PATH.search(message)
    param = (prefix + (path.group(1) if path else "")).strip(".") or None
    text = _PATH.sub("", message)
    code = "missing_required_parameter" if "missing required field" in text else "invalid_value"
    return ProtocolError(code, f"{text}." if param is None else f"{text}: `{param}`.", param, event_id)
