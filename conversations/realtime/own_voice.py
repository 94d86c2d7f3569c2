"""The speaker's own voice: on their word alone, made from what they say in this session, and gone with it."""

import contextlib
from collections import deque
from typing import Literal
from uuid import uuid4

import structlog

from conversations.events import Fact, SelfVoiceAllowed, SelfVoiceEnded
from conversations.realtime import extras as ex
from conversations.realtime import own_sample
from conversations.realtime.borrowing import SELF, Borrowed
from conversations.realtime.live import Live
from conversations.realtime.own_sample import Heard
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.taking_back import TakingBack
from conversations.realtime.utterance import for_hearing
from inference.errors import EngineError
from inference.speaker import SAME_SPEAKER, similarity
from inference.types import Reference, Transcript

log = structlog.get_logger(__name__)
KEPT = 16
"""Utterances that are chosen from; the oldest goes first."""
REMADE = 3
"""A longer reference is better, and every new one costs the engine a beginning: so many at most."""
BETTER_S = 2.0
EMBED_DUE_S = 3.0
"""Nobody waits for it."""
WITHDRAWN = "You have taken your consent back. Your own voice is not used any more, and what was made of it is gone."
State = Literal["off", "collecting", "ready", "refused"]


class OwnVoice:
    """Off until `update` is told that the speaker agrees; nothing is collected before."""

    def __init__(self, live: Live, taking_back: TakingBack, person_id: str) -> None:
        self._live = live
        self._taking_back = taking_back
        self._person_id = person_id
        self._heard: deque[Heard] = deque(maxlen=KEPT)
        self._speaker: tuple[float, ...] = ()
        """The voice that it is: of the first utterance long enough to tell voices apart."""
        self._forgotten: set[str] = set()
        self._used: tuple[Heard, ...] = ()
        self._references: list[str] = []
        self._made: list[Borrowed] = []
        """One after another: an answer that began with an earlier one is still spoken in it."""
        self._served: set[str] = set()
        """Turns that any of them was made of."""
        self._allowed = False

    @property
    def allowed(self) -> bool:
        return self._allowed

    def update(self, *, consent: bool) -> None:
        """The speaker agrees, or takes it back: then the voice stops in mid-sentence."""
        if consent and (self._live.origin is None or not self._live.offer.clones):
            self._tell("refused", "unavailable", "This server makes no cloned voices.")
            return
        if consent and not self._allowed:
            self._allowed = True
            self._record(SelfVoiceAllowed(session_id=self._live.session_id))
        elif not consent and self._allowed:
            self._end("withdrawn")
        self.tell()

    def tell(self) -> None:
        self._tell("ready" if self._live.voices.own is not None else "collecting" if self._allowed else "off")

    def hear(self, turn_id: str, pcm: bytes, words: Transcript) -> None:
        """An utterance was understood. pcm: PCM16 mono at WIRE_RATE."""
        if not self._allowed:
            return
        heard = own_sample.heard(turn_id, pcm, words.text, words.language, words.confidence)
        if heard is not None:
            self._live.start(self._take(heard), "own voice")

    async def _take(self, heard: Heard) -> None:
        """Takes the utterance, if it is the voice of the first that was long enough to tell."""
        try:
            voice = await self._live.engines.embed(for_hearing(heard.pcm), due_in_s=EMBED_DUE_S)
        except EngineError as error:
            log.warning("own_voice_not_compared", session=self._live.session_id, code=error.code)
            return
        if not self._allowed or heard.turn_id in self._forgotten:
            return
        if self._speaker and similarity(self._speaker, voice) < SAME_SPEAKER:
            log.info("own_voice_is_another", session=self._live.session_id)
            return
        if heard.duration_s >= own_sample.LEAST_S:
            self._speaker = self._speaker or voice
        self._heard.append(heard)
        self._make()
        self.tell()

    def forget(self, turn_id: str) -> None:
        """A turn was redacted or deleted: its sound serves no longer, nor what was made of it."""
        self._forgotten.add(turn_id)
        self._heard = deque((one for one in self._heard if one.turn_id != turn_id), maxlen=KEPT)
        if turn_id in self._served:
            self._take_back("redacted", "What your own voice was made of is gone. It is made anew as you speak.")
            self._make()
            self.tell()

    async def close(self) -> None:
        """The session ends."""
        if self._allowed:
            self._end("session_ended")
        for reference_id in self._references:
            with contextlib.suppress(EngineError):
                await self._live.engines.forget_reference(reference_id)

    def _make(self) -> None:
        chosen = own_sample.best(self._heard)
        longer_s = own_sample.duration_s(chosen) - own_sample.duration_s(self._used)
        if not chosen or (self._used and (longer_s < BETTER_S or len(self._references) >= REMADE)):
            return
        sound, text = own_sample.joined(chosen)
        reference_id = f"self-{uuid4().hex}"
        reference = Reference.of(reference_id, sound, transcript=text, language=chosen[0].language)
        first = self._live.voices.own is None
        self._used = chosen
        self._references.append(reference_id)
        self._served.update(one.turn_id for one in chosen)
        self._live.voices.own = Borrowed(SELF, reference, owner_id=self._person_id)
        self._made.append(self._live.voices.own)
        log.info("own_voice_made", session=self._live.session_id, number=len(self._references))
        if first:
            self._live.outbox.emit(ev.SessionUpdated(session=self._live.effective))

    def _end(self, reason: str) -> None:
        self._allowed = False
        self._heard.clear()
        self._speaker = ()
        self._record(SelfVoiceEnded(session_id=self._live.session_id, reason=reason))
        self._take_back(reason, WITHDRAWN)

    def _take_back(self, reason: str, message: str) -> None:
        own, self._live.voices.own, self._used = self._live.voices.own, None, ()
        for earlier in self._made:
            if earlier is not own:
                self._taking_back.silence(earlier)
        self._made.clear()
        self._served.clear()
        if own is not None:
            self._taking_back(own, reason, message=message)

    def _record(self, fact: Fact) -> None:
        self._live.outbox.emit(facts=(fact,))

    def _tell(self, state: State, reason: str = "", message: str = "") -> None:
        speech_s = own_sample.duration_s(tuple(self._heard))
        needed_s = own_sample.LEAST_S
        self._live.extras.tell(
            lambda: ex.SelfVoice(
                state=state, reason=reason, message=message, speech_s=round(speech_s, 1), needed_s=needed_s
            )
        )
