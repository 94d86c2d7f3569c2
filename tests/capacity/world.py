"""What happens on a machine with one GPU: people come and go, engines leak, other programs take and give memory."""

import random
from collections.abc import Generator
from typing import Any

import msgspec
import simpy

from inference.gate.gate import Gate
from inference.gate.terms import (
    Declaration,
    Device,
    EngineLife,
    Expired,
    Granted,
    Load,
    Measurement,
    Policy,
    Refused,
    Service,
    Unload,
)
from inference.machine import Memory
from tests.capacity.card import Card

GB = 1024**3
MB = 1024**2
GPU = "cuda:0"
LLM = Declaration("llm", "core", GPU, int(10.44 * GB), session=224 * MB)
F5 = Declaration("f5", "clone", GPU, int(0.68 * GB))
COSYVOICE = Declaration("cosyvoice", "fine", GPU, 4 * GB, on_demand=True)
_LOOK_S = 1.0
_LOOKS_BETWEEN_PROCESSES = 5

Steps = Generator[simpy.Event, Any, None]


class Setup(msgspec.Struct, frozen=True):
    """The card, and what goes on. Times in seconds, memory in bytes."""

    card_gb: float = 24
    arrivals: int = 100_000
    seed: int = 1
    every_s: float = 2.4
    """Between two arrivals, on average (exponential)."""
    swing: float = 0.8
    """By so much arrivals become more and fewer ..."""
    wave_s: float = 7200.0
    """... in waves of this length."""
    session_s: float = 60.0
    """Mean length of a session (exponential, at least 5 s)."""
    queueing: float = 0.5
    """Of those who come are ready to wait."""
    crashing: float = 0.03
    """Of the sessions end without a word: their holder hangs or its machine is gone."""
    finely: float = 0.1
    """Of the sessions want fine speech at some moment."""
    others_kept: int = 3 * GB
    others_most: int = 3 * GB
    """What other programs hold together at most."""
    others_rate: float = 100 * MB
    """Bytes a second at which one of them grows; a tenth of it comes at once."""
    leaks: float = 1.0
    """A factor of the engines' leaks."""
    queue_places: int = 16
    session: int = 224 * MB
    pooled: int = 0
    """Sessions whose share the LLM takes when it starts."""
    hidden: bool = False
    """The driver does not tell whose memory it is."""


class Tally(msgspec.Struct):
    """What was seen."""

    granted: int = 0
    refused: int = 0
    gave_up: int = 0
    expired: int = 0
    most_sessions: int = 0
    longest_refusal_s: float = 0.0
    """Of those who were not ready to wait."""
    longest_wait_s: float = 0.0
    waits: list[float] = []
    overtaken: int = 0
    """Grants while somebody who had come earlier still waited."""
    lost_places: int = 0
    """Looks at which the gate counted other sessions than there are."""
    unloads: dict[str, int] = {}
    levels_s: dict[str, float] = {}
    fine_asked: int = 0
    fine_refused: int = 0
    longest_below_full_s: float = 0.0


class Person(msgspec.Struct):
    came: float
    queues: bool
    answered: simpy.Event


class World:
    """Runs in simulated time; drives the gate as the engine host does, and is the truth that the gate measures."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.env = simpy.Environment()
        self.random = random.Random(setup.seed)
        policy = Policy(places=10_000, queue_places=setup.queue_places)
        llm = msgspec.structs.replace(LLM, session=setup.session, pooled=setup.pooled)
        self.declared = {item.engine: item for item in (llm, F5, COSYVOICE)}
        total = int(setup.card_gb * GB)
        self.card = Card(total, int(total * policy.ceiling), lambda: self.env.now)
        self.gate = Gate(policy, [Device(GPU, total, others=setup.others_kept)], self.declared.values())
        self.tally = Tally()
        self.talking: set[str] = set()
        """Sessions that hold a place and say so."""
        self.silent: set[str] = set()
        """Sessions whose holder has gone without a word."""
        self.asked: dict[str, Person] = {}
        self.others = 0.0
        self._lives: dict[str, int] = {}
        self._engine_use: dict[str, int] = {}
        self._cache = 0
        self._looks = 0
        self._below_full_since: float | None = None
        self.over = self.env.event()
        """All have come and gone."""

    # The gate's side

    def run_gate(self) -> Steps:
        """What the engine host does every second."""
        for engine in ("llm", "f5"):
            self.begin_load(engine)
        while not self.over.triggered:
            self._look()
            self.step()
            yield self.env.timeout(_LOOK_S)

    def _look(self) -> None:
        now = self.env.now
        if self._looks % _LOOKS_BETWEEN_PROCESSES == 0:
            self._cache = sum(self.card.held(lease) for lease in self.talking | self.silent)
            self._engine_use = {name: self.card.held(name) for name in self._lives}
            self._engine_use["llm"] += self._cache
        self._looks += 1
        for lease in self.talking:
            self.gate.renew(now, lease)
        memory = {GPU: Memory(self.card.total, self.card.used)}
        told = Measurement(memory, self._engine_use, {} if self.setup.pooled else {"llm": self._cache})
        if self.setup.hidden:
            running = (name for name in self._lives if self.gate.accounts[name].life != "absent")
            told = Measurement(memory, {}, hidden=frozenset(running))
        self.gate.observe(now, told)
        tally = self.tally
        if set(self.gate.places.held) != self.talking | self.silent:
            tally.lost_places += 1
        tally.levels_s[self.gate.level] = tally.levels_s.get(self.gate.level, 0.0) + _LOOK_S

    def step(self) -> None:
        for action in self.gate.step(self.env.now):
            match action:
                case Granted(lease) | Refused(lease, _):
                    self._answer(lease, isinstance(action, Granted))
                case Expired(lease):
                    self.tally.expired += 1
                    self.silent.discard(lease)
                    self.card.free(lease)
                case Unload(engine):
                    self.tally.unloads[engine] = self.tally.unloads.get(engine, 0) + 1
                    self.env.process(self._unload(engine))
                case Load(engine):
                    self.begin_load(engine)
                case Service(level, _):
                    self._note_level(level)
                case _:
                    pass

    def _note_level(self, level: str) -> None:
        if level != "full" and self._below_full_since is None:
            self._below_full_since = self.env.now
        elif level == "full" and self._below_full_since is not None:
            below = self.env.now - self._below_full_since
            self.tally.longest_below_full_s = max(self.tally.longest_below_full_s, below)
            self._below_full_since = None

    def _answer(self, lease: str, granted: bool) -> None:
        person = self.asked.pop(lease)
        waited = self.env.now - person.came
        tally = self.tally
        if granted:
            tally.granted += 1
            tally.overtaken += any(other.came < person.came for other in self.asked.values())
            self.talking.add(lease)
            tally.most_sessions = max(tally.most_sessions, len(self.talking) + len(self.silent))
        else:
            tally.refused += 1
        if person.queues:
            tally.longest_wait_s = max(tally.longest_wait_s, waited)
            if granted and waited > 0:
                tally.waits.append(waited)
        elif not granted:
            tally.longest_refusal_s = max(tally.longest_refusal_s, waited)
        person.answered.succeed(granted)

    # Engines

    def begin_load(self, engine: str) -> None:
        self._lives[engine] = self._lives.get(engine, 0) + 1
        self.gate.sync(self.env.now, engine, "loading")
        self.env.process(self._load(engine))

    def _load(self, engine: str) -> Steps:
        """Takes what it declares, or a little less, in a straight line; then it leaks."""
        seconds = {"llm": 60.0, "f5": 8.0}.get(engine, 20.0)
        declared = self.declared[engine]
        size = declared.memory * self.random.uniform(0.9, 1.0) + declared.pooled * declared.session
        life = self._lives[engine]
        self.card.grow(engine, size / seconds)
        yield self.env.timeout(seconds)
        if self._lives.get(engine) != life or self.gate.accounts[engine].life == "unloading":
            return
        leak = {"llm": 0.2, "f5": 0.5}.get(engine, 0.5) * MB * self.setup.leaks * self.random.random()
        self.card.grow(engine, leak - size / seconds)
        self.gate.sync(self.env.now, engine, "loaded")

    def _unload(self, engine: str) -> Steps:
        """Ending a process takes a moment, in which it holds everything still."""
        yield self.env.timeout(self.random.uniform(0.2, 1.5))
        self.card.free(engine)
        self._lives[engine] += 1
        self._engine_use.pop(engine, None)
        if engine == "llm":
            for lease in self.talking | self.silent:  # their keys and values are gone, and made anew
                self.card.take(lease, -self.card.held(lease))
        life: EngineLife = "absent"
        self.gate.sync(self.env.now, engine, life)
        self._look()
        self.step()
