"""The rooms of one session, and which of them knows which."""

from collections.abc import Callable
from dataclasses import dataclass

from conversations.realtime import extras as ex
from conversations.realtime.answering import Answering
from conversations.realtime.dispatch import Dispatch
from conversations.realtime.hearing import Hearing
from conversations.realtime.listener import Listener
from conversations.realtime.live import Live
from conversations.realtime.oversight import Outside, Oversight
from conversations.realtime.own_voice import OwnVoice
from conversations.realtime.refusals import Ending
from conversations.realtime.taking_back import TakingBack
from conversations.realtime.turns import Turns
from inference.audio.vad import VadModel


@dataclass(frozen=True)
class Rooms:
    """``oversight`` is None where nobody looks on."""

    live: Live
    answering: Answering
    own_voice: OwnVoice
    dispatch: Dispatch
    oversight: Oversight | None

    async def close(self) -> None:
        """The session ends: what was said, heard and lent is settled."""
        await self.answering.close()
        await self.own_voice.close()
        if self.live.origin is not None:
            await self.live.origin.settled()


def furnished(
    live: Live, vad: VadModel, *, person_id: str, outside: Outside | None, end: Callable[[Ending], None]
) -> Rooms:
    """``end`` ends the session."""
    listener = Listener(live)
    answering = Answering(live, listener)
    turns = Turns(live, answering)
    hearing = listener.microphone = Hearing(live, answering, turns, vad)
    live.voices.taken_back = taking_back = TakingBack(live, answering, hearing)
    own_voice = OwnVoice(live, taking_back, person_id)
    turns.understood = own_voice.hear
    live.outbox.recorded.append(lambda sequence: live.extras.tell(lambda: ex.Recorded(sequence=sequence)))
    return Rooms(
        live=live,
        answering=answering,
        own_voice=own_voice,
        dispatch=Dispatch(live, hearing, answering, listener, turns, own_voice),
        oversight=Oversight(live, outside, hearing, answering, own_voice, end) if outside is not None else None,
    )
