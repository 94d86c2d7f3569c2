"""People and programs that come and go in the simulated world."""

import math

from tests.capacity.world import GB, Person, Steps, World

_SHORTEST_S = 5.0


def arrive(world: World) -> Steps:
    """All arrivals, one after the other; then the world empties."""
    setup, draw = world.setup, world.random
    for number in range(setup.arrivals):
        wave = math.sin(2 * math.pi * world.env.now / setup.wave_s)
        yield world.env.timeout(draw.expovariate((1 + setup.swing * wave) / setup.every_s))
        world.env.process(_visit(world, f"s{number}"))
    while world.asked or world.talking or world.silent:
        yield world.env.timeout(1.0)
    world.over.succeed()


def _visit(world: World, lease: str) -> Steps:
    """Asks for a place, waits where that is possible and not for ever, talks, and leaves, or just goes silent."""
    env, draw, setup = world.env, world.random, world.setup
    queues = draw.random() < setup.queueing
    person = Person(env.now, queues, env.event())
    world.asked[lease] = person
    world.gate.ask(env.now, lease, queue=queues)
    world.step()
    patience = env.timeout(draw.uniform(30, 600) if queues else 1.0)
    yield person.answered | patience
    if not person.answered.triggered:
        world.tally.gave_up += 1
        del world.asked[lease]
        world.gate.leave(env.now, lease)
        world.step()
        return
    if not person.answered.value:
        return
    yield from _talk(world, lease)


def _talk(world: World, lease: str) -> Steps:
    env, draw, setup = world.env, world.random, world.setup
    lasts = max(_SHORTEST_S, draw.expovariate(1 / setup.session_s))
    world.env.process(_fill(world, lease, lasts))
    if draw.random() < setup.finely:
        at = draw.uniform(0, lasts)
        yield env.timeout(at)
        _want_fine(world)
        yield env.timeout(lasts - at)
    else:
        yield env.timeout(lasts)
    if draw.random() < setup.crashing:
        world.talking.discard(lease)
        world.silent.add(lease)  # until the gate notices
        return
    world.talking.discard(lease)
    world.card.free(lease)
    world.gate.leave(env.now, lease)
    world.step()


def _fill(world: World, lease: str, lasts: float) -> Steps:
    """Its keys and values grow with what is said, to all that was declared or a little less."""
    if world.setup.pooled:
        return  # they go where the LLM has made room for them at its start
    size, seconds = world.setup.session * world.random.uniform(0.7, 1.0), lasts * world.random.uniform(0.05, 0.4)
    world.card.grow(lease, size / seconds)
    yield world.env.timeout(seconds)
    if lease in world.talking:
        world.card.grow(lease, -size / seconds)


def _want_fine(world: World) -> None:
    engine, now = "cosyvoice", world.env.now
    world.tally.fine_asked += 1
    was_away = not world.gate.accounts[engine].here
    if world.gate.permit(now, engine):
        world.tally.fine_refused += 1
    elif was_away:
        world.begin_load(engine)
    world.gate.used(now, engine)
    world.gate.used(now, "f5")


def other_programs(world: World) -> Steps:
    """Other programs on the same card: each grows to its size, stays a while, and goes; together they are bounded."""
    env, draw, setup = world.env, world.random, world.setup
    number = 0
    while not world.over.triggered:
        yield env.timeout(draw.expovariate(1 / 120.0))
        size = draw.uniform(0.1, 2.5) * GB
        if world.others + size <= setup.others_most:
            number += 1
            world.others += size
            env.process(_program(world, f"other {number}", size))


def _program(world: World, name: str, size: float) -> Steps:
    env, draw, setup = world.env, world.random, world.setup
    rate = setup.others_rate * draw.uniform(0.1, 1.0)
    at_once = min(size, setup.others_rate * 0.1)
    world.card.take(name, at_once)
    world.card.grow(name, rate)
    yield env.timeout((size - at_once) / rate)
    world.card.grow(name, -rate)
    yield env.timeout(draw.expovariate(1 / 300.0))
    world.card.free(name)
    world.others -= size
