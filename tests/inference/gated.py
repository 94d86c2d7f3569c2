"""A memory gate over a card that is made up: what is declared, what really is there, and a clock."""

from inference.gate.gate import Gate
from inference.gate.terms import Action, Declaration, Device, Granted, Measurement, Policy, Service
from inference.machine import Memory

GB = 1024**3
MB = 1024**2
LLM = Declaration("llm", "core", "cuda:0", 10 * GB, session=GB)
F5 = Declaration("f5", "clone", "cuda:0", GB)
COSY = Declaration("cosyvoice", "fine", "cuda:0", 4 * GB, on_demand=True)


class Card:
    """A gate over a card of 24 GB (ceiling 21.6, margin 0.72), what really is on it, and a clock."""

    def __init__(self, *declared: Declaration, others: int = 0, **policy: object) -> None:
        self.gate = Gate(
            Policy(**({"places": 100} | policy)),  # type: ignore[arg-type]
            [Device("cuda:0", 24 * GB, others=others)],
            declared,
        )
        self.now = 0.0
        self.others = 0
        self.engines: dict[str, int] = {}
        self.hidden: set[str] = set()
        """Engines whose use the driver does not tell."""
        self.services: list[str] = []

    def loaded(self, *engines: str) -> None:
        for engine in engines:
            self.gate.sync(self.now, engine, "loading")
            self.gate.sync(self.now, engine, "loaded")
            self.engines[engine] = self.gate.accounts[engine].declared.memory

    def gone(self, engine: str) -> None:
        self.engines.pop(engine, None)
        self.gate.sync(self.now, engine, "absent")

    def look(self, after_s: float = 1.0) -> tuple[Action, ...]:
        """Measures, and takes the gate's step."""
        self.now += after_s
        used = self.others + sum(self.engines.values())
        told = {name: size for name, size in self.engines.items() if name not in self.hidden}
        hidden = frozenset(self.hidden & self.engines.keys())
        self.gate.observe(self.now, Measurement({"cuda:0": Memory(24 * GB, used)}, told, hidden=hidden))
        return self.step()

    def step(self) -> tuple[Action, ...]:
        actions = self.gate.step(self.now)
        self.services += [action.level for action in actions if isinstance(action, Service)]
        return actions

    def ask(self, lease: str, *, queue: bool = False) -> tuple[Action, ...]:
        self.gate.ask(self.now, lease, queue=queue)
        return self.step()

    def fill(self) -> int:
        """Sessions until one is refused."""
        count = 0
        while any(isinstance(action, Granted) for action in self.ask(f"s{count}")):
            count += 1
        return count
