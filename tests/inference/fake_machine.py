"""A machine whose memory the test decides."""

from inference.machine import Gpu, Machine, Memory

GB = 1024**3


class FakeMachine:
    """Measured by calling it. ``gpus``: the sizes of its cards in GB."""

    def __init__(self, *, total_gb: float = 64, used_gb: float = 4, gpus: tuple[float, ...] = ()) -> None:
        self.total = int(total_gb * GB)
        self.used = int(used_gb * GB)
        self.gpus = [int(size * GB) for size in gpus]
        self.gpu_used = [0 for _ in gpus]

    def __call__(self) -> Machine:
        cards = (
            Gpu(place, "Card", Memory(size, used))
            for place, (size, used) in enumerate(zip(self.gpus, self.gpu_used, strict=True))
        )
        return Machine(cores=2, memory=Memory(self.total, self.used), gpus=tuple(cards))
