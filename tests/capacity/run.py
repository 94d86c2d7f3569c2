"""Runs a simulated world to its end, and says what was seen."""

from collections.abc import Callable

import msgspec

from inference.gate.gate import Gate
from inference.gate.terms import Device, Granted, Measurement, Policy
from inference.machine import Memory
from tests.capacity.people import arrive, other_programs
from tests.capacity.world import COSYVOICE, F5, GB, GPU, LLM, Setup, Steps, Tally, World


class Result(msgspec.Struct, frozen=True):
    setup: Setup
    tally: Tally
    highest_gb: float
    """The most memory that was in use at any moment."""
    limit_gb: float
    over_s: float
    """For how long it was more than the ceiling."""
    lasted_s: float
    places_left: int
    """Places and waits that the gate still counts when all have gone."""

    def wait_s(self, share: float) -> float:
        """The wait that this share of those who waited and got a place did not exceed."""
        waits = sorted(self.tally.waits)
        return waits[min(len(waits) - 1, int(len(waits) * share))] if waits else 0.0


def run(setup: Setup, each_second: Callable[[World], None] | None = None) -> Result:
    """Until all have come and gone. ``each_second`` may look at the world."""
    world = World(setup)
    for steps in (world.run_gate(), arrive(world), other_programs(world)):
        world.env.process(steps)
    if each_second is not None:
        world.env.process(_watch(world, each_second))
    world.env.run(until=world.over)
    places = world.gate.places
    return Result(
        setup,
        world.tally,
        world.card.highest / GB,
        world.card.limit / GB,
        world.card.over_s,
        world.env.now,
        places.taken + len(places.waiting),
    )


def _watch(world: World, look: Callable[[World], None]) -> Steps:
    while True:
        yield world.env.timeout(1.0)
        look(world)


def holds(card_gb: float, session: int, *engines: str, others: int = 0) -> int:
    """Sessions that the gate lets onto a card beside these engines, before one of them gives way or it refuses."""
    total = int(card_gb * GB)
    declared = [msgspec.structs.replace(LLM, session=session), F5, COSYVOICE]
    gate = Gate(Policy(places=10_000), [Device(GPU, total, others=others)], declared)
    used = {item.engine: item.memory for item in declared if item.engine in engines}
    for engine in engines:
        gate.sync(0.0, engine, "loading")
        gate.sync(0.0, engine, "loaded")
    gate.observe(1.0, Measurement({GPU: Memory(total, sum(used.values()))}, used))
    count = 0
    while True:
        gate.ask(1.0, f"s{count}")
        if not any(isinstance(action, Granted) for action in gate.step(1.0)):
            return count
        count += 1
