"""The words of a turn in the read model: sealed under the turn's key, opened by whoever may read the turn."""

import msgspec

from conversations.events import ReplyHeard
from conversations.history import heard_words, join_sentences
from conversations.log import crypto
from conversations.log.keys import DataKey


class TurnWords(msgspec.Struct, omit_defaults=True):
    """Words by item: a turn may hold several utterances and answers (tools, text typed over speech)."""

    user: dict[str, str] = msgspec.field(default_factory=dict)
    generated: dict[str, str] = msgspec.field(default_factory=dict)
    spoken: dict[str, dict[int, str]] = msgspec.field(default_factory=dict)
    heard: dict[str, ReplyHeard] = msgspec.field(default_factory=dict)

    @property
    def user_text(self) -> str:
        return "\n".join(text for text in self.user.values() if text)

    @property
    def generated_text(self) -> str:
        return "\n".join(text for text in self.generated.values() if text)

    @property
    def spoken_text(self) -> str:
        return "\n".join(join_sentences(sentences) for sentences in self.spoken.values())

    @property
    def heard_text(self) -> str:
        """What the listener heard; of an answer cut off by a crash, what was spoken."""
        items = dict.fromkeys((*self.spoken, *self.heard))
        texts = (heard_words(self.spoken.get(item, {}), self.heard.get(item))[0] for item in items)
        return "\n".join(text for text in texts if text)


def seal(words: TurnWords, key: DataKey, place: str) -> bytes:
    """The key's id, then the box. ``place`` (conversation and turn) is bound to it."""
    return key.id.bytes + crypto.seal(key.secret, msgspec.json.encode(words), place.encode())


def unseal(sealed: bytes, key: DataKey, place: str) -> TurnWords:
    """Raises `crypto.BoxDamaged`."""
    return msgspec.json.decode(crypto.unseal(key.secret, sealed[16:], place.encode()), type=TurnWords)
