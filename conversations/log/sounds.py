"""Which files of sounds are named in the record: each app says it of its own streams, so that a sweeper keeps them."""

from collections.abc import Callable

Named = Callable[[str], set[str]]
"""The ids of all sounds that belong to a stream."""

_named: dict[str, Named] = {}


def register(category: str, named: Named) -> None:
    """``category`` is what the names of the streams begin with, up to the first hyphen."""
    _named[category] = named


def named(stream: str) -> set[str]:
    """Raises `KeyError` for streams of which no app has said it: then nothing of theirs may be removed."""
    return _named[stream.partition("-")[0]](stream)


def is_known(stream: str) -> bool:
    return stream.partition("-")[0] in _named
