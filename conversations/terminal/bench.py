"""Sessions that talk with the server at once, each with a microphone of its own, and what came of it."""

import asyncio
import contextlib
import time
from collections.abc import Sequence

import msgspec

from conversations.terminal.clips import Clip
from conversations.terminal.memory import MemorySample, sample
from conversations.terminal.microphone import Microphone
from conversations.terminal.turn_watch import TurnResult, TurnWatch
from conversations.terminal.wire import PCM_FORMAT, Wire, WireError, connect

TURN_LIMIT_S = 30.0
GAP_S = 1.0
STAGGER_S = 0.7
MEMORY_EVERY_S = 5.0
INTERRUPT_AFTER_S = 0.8


class Plan(msgspec.Struct, frozen=True):
    """What to measure. ``minutes``, when set, outranks ``turns``."""

    url: str
    sessions: int = 1
    turns: int = 10
    warmup: int = 1
    minutes: float = 0.0
    interrupt: bool = False
    """Each question but the first is asked over the answer to the one before."""
    api_key: str = ""
    language: str = "en"
    voice: str = ""
    instructions: str = "You are a friendly voice assistant. Answer in two or three short spoken sentences."


class Outcome(msgspec.Struct):
    """Everything that was seen."""

    turns: list[TurnResult]
    errors: list[str]
    memory: list[MemorySample]
    late_ms: float
    took_s: float


class BenchSession:
    def __init__(self, plan: Plan, clips: Sequence[Clip], index: int) -> None:
        self.plan, self.clips, self.index = plan, clips, index
        self.results: list[TurnResult] = []
        self.errors: list[str] = []
        self.late_ms = 0.0
        self._watch: TurnWatch | None = None
        self._ready = asyncio.Event()

    async def run(self, until: float) -> None:
        try:
            async with connect(self.plan.url, api_key=self.plan.api_key, extras=True) as wire:
                await self._converse(wire, until)
        except* (WireError, TimeoutError, OSError) as group:
            self.errors += [f"{type(error).__name__}: {error}" for error in group.exceptions]

    async def _converse(self, wire: Wire, until: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(wire), name="bench-listen")
            await self._configure(wire)
            async with asyncio.timeout(TURN_LIMIT_S):
                await self._ready.wait()
            microphone = Microphone(wire, self.index)
            recording = tasks.create_task(microphone.run(), name="bench-microphone")
            await asyncio.sleep(0.5 + STAGGER_S * self.index)
            await self._ask_all(microphone, until)
            self.late_ms = microphone.late_ms
            listening.cancel()
            recording.cancel()

    async def _configure(self, wire: Wire) -> None:
        output = {"format": PCM_FORMAT} | ({"voice": self.plan.voice} if self.plan.voice else {})
        transcription = {"model": "whisper-1", "language": self.plan.language}
        listen = {"format": PCM_FORMAT, "turn_detection": {"type": "server_vad"}, "transcription": transcription}
        session = {
            "type": "realtime",
            "instructions": self.plan.instructions,
            "output_modalities": ["audio"],
            "audio": {"input": listen, "output": output},
        }
        await wire.send("session.update", session=session)

    async def _listen(self, wire: Wire) -> None:
        async for event in wire.events():
            if event["type"] == "session.updated":
                self._ready.set()
            elif event["type"] == "error" and self._watch is None:
                raise WireError(event["error"]["message"])
            if self._watch:
                self._watch.handle(event)
        raise WireError("The server ended the conversation.")

    async def _ask_all(self, microphone: Microphone, until: float) -> None:
        turn = -self.plan.warmup
        while time.monotonic() < until if self.plan.minutes else turn < self.plan.turns:
            clip = self.clips[(turn + self.index * 3) % len(self.clips)]
            asked = await microphone.ask(clip)
            earlier = self._watch.answers if self._watch else frozenset()
            self._watch = watch = TurnWatch(asked, earlier)
            awaited = watch.sounding if self.plan.interrupt else watch.settled
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TURN_LIMIT_S + clip.end_s):
                    await awaited.wait()
            result = watch.result(cut_short=self.plan.interrupt)
            if not awaited.is_set():
                result.errors.append(f"no answer within {TURN_LIMIT_S:g} s")
            if turn >= 0:
                self.results.append(result)
            turn += 1
            if self.plan.interrupt:
                await asyncio.sleep(INTERRUPT_AFTER_S)
                continue
            # The answer is played out, so that the next question is no barge-in.
            await asyncio.sleep(max(0.0, result.heard_out - time.perf_counter()) + GAP_S)


async def measure(plan: Plan, clips: Sequence[Clip], server_pid: int | None) -> Outcome:
    """Runs all sessions; errors are collected, not raised."""
    began = time.monotonic()
    sessions = [BenchSession(plan, clips, index) for index in range(plan.sessions)]
    memory: list[MemorySample] = []
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_watch_memory(server_pid, memory), name="bench-memory") if server_pid else None
        async with asyncio.TaskGroup() as running:
            for session in sessions:
                running.create_task(session.run(began + plan.minutes * 60), name=f"bench-session-{session.index}")
        if watching:
            watching.cancel()
    return Outcome(
        turns=[turn for session in sessions for turn in session.results],
        errors=[error for session in sessions for error in session.errors],
        memory=memory,
        late_ms=max((session.late_ms for session in sessions), default=0.0),
        took_s=time.monotonic() - began,
    )


async def _watch_memory(pid: int, samples: list[MemorySample]) -> None:
    while True:
        samples.append(await asyncio.to_thread(sample, pid))
        await asyncio.sleep(MEMORY_EVERY_S)
