"""Who computes next: the earliest deadline first, over the machine's cores and each engine's own limit.

Work asks for amounts of named resources (``cores``, ``light``, ``chat``, an engine's name) and waits for all of them at
once. A deadline is when somebody falls silent for want of the result: now for a final transcript, the moment the
player runs dry for the third sentence of an answer. Later work may overtake earlier work only where it takes nothing
that the earlier one waits for.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from inference.errors import EngineUnavailable

Needs = Mapping[str, int]
_MAX_WAITING = 256


class Overloaded(EngineUnavailable):
    """More work waits than will ever be in time."""

    code = "overloaded"


class Expired(EngineUnavailable):
    """The work waited so long that nobody needs it any more."""

    code = "expired"


class Ticket:
    """A place in the queue and, once ``granted``, the right to compute. Times are the event loop's."""

    def __init__(self, needs: Needs, due: float, asked: float) -> None:
        self.needs = needs
        self.due = due
        self.asked = asked
        self.started = asked
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def wait_ms(self) -> float:
        return (self.started - self.asked) * 1000


class Scheduler:
    """Hands out the machine. Of one event loop; every method is called from there."""

    def __init__(self, capacity: Mapping[str, int], *, max_waiting: int = _MAX_WAITING) -> None:
        self._free = dict(capacity)
        self._capacity = dict(capacity)
        self._max_waiting = max_waiting
        self._waiting: list[tuple[float, int, Ticket]] = []
        self._order = itertools.count()

    def resize(self, resource: str, amount: int) -> None:
        """Sets how much of ``resource`` there is; what is in use stays in use."""
        self._free[resource] = self._free.get(resource, 0) + amount - self._capacity.get(resource, 0)
        self._capacity[resource] = amount
        self._grant()

    @property
    def waiting(self) -> int:
        return sum(not ticket.granted.done() for _, _, ticket in self._waiting)

    def in_use(self) -> dict[str, int]:
        return {name: amount - self._free[name] for name, amount in self._capacity.items()}

    def ask(self, needs: Needs, *, due: float) -> Ticket:
        """Queues work due at ``due`` (the event loop's time); raises `Overloaded` at once when the queue is full."""
        if self.waiting >= self._max_waiting:
            raise Overloaded("Too much work waits already. Try again in a few seconds, or with fewer sessions.")
        needs = {name: min(amount, self._capacity[name]) for name, amount in needs.items()}
        ticket = Ticket(needs, due, asyncio.get_running_loop().time())
        heapq.heappush(self._waiting, (due, next(self._order), ticket))
        self._grant()
        return ticket

    async def wait(self, ticket: Ticket, *, expires: float) -> None:
        """Returns once ``ticket`` holds its resources (then `release` is due); raises `Expired` after ``expires``.

        Cancelled or expired, the ticket has left the queue and holds nothing.
        """
        try:
            async with asyncio.timeout_at(expires):
                await ticket.granted
        except BaseException as error:
            self._give_up(ticket)
            if isinstance(error, TimeoutError):
                raise Expired("The machine was too busy to start this in time.") from None
            raise
        ticket.started = asyncio.get_running_loop().time()

    @asynccontextmanager
    async def turn(self, needs: Needs, *, due: float, expires: float) -> AsyncIterator[Ticket]:
        """Holds ``needs`` for the block."""
        ticket = self.ask(needs, due=due)
        await self.wait(ticket, expires=expires)
        try:
            yield ticket
        finally:
            self.release(ticket)

    def release(self, ticket: Ticket) -> None:
        for name, amount in ticket.needs.items():
            self._free[name] += amount
        self._grant()

    def _give_up(self, ticket: Ticket) -> None:
        # The grant may have come in the same step of the loop as the cancellation.
        if ticket.granted.done() and not ticket.granted.cancelled():
            self.release(ticket)
        else:
            ticket.granted.cancel()
            self._grant()

    def _grant(self) -> None:
        blocked: set[str] = set()
        kept: list[tuple[float, int, Ticket]] = []
        while self._waiting:
            item = heapq.heappop(self._waiting)
            ticket = item[2]
            if ticket.granted.done():
                continue
            short = {name for name, amount in ticket.needs.items() if self._free[name] < amount}
            if short or not blocked.isdisjoint(ticket.needs):
                blocked |= short
                kept.append(item)
                continue
            for name, amount in ticket.needs.items():
                self._free[name] -= amount
            ticket.granted.set_result(None)
        self._waiting = kept  # sorted, hence a heap
