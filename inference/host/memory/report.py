"""What the gate knows, for operators."""

from collections.abc import Mapping
from typing import get_args

from inference.gate.gate import Gate
from inference.host.memory.managed import Managed
from inference.types import DeviceMemory, EngineMemory, MemoryStatus, ServiceLevel

_LEVELS: tuple[ServiceLevel, ...] = get_args(ServiceLevel)


def report(gate: Gate, managed: Mapping[str, Managed]) -> MemoryStatus:
    sessions = gate.places.taken
    devices = tuple(
        DeviceMemory(
            name=name,
            total=ledger.device.total,
            limit=ledger.limit,
            used=ledger.used,
            promised=max(0, ledger.projected(sessions) - ledger.used),
            others=ledger.others_now,
            kept_for_others=ledger.others_most,
            free_for_sessions=max(0, min(ledger.room(sessions), ledger.firm_room(sessions))),
        )
        for name, ledger in gate.ledgers.items()
    )
    engines = tuple(
        EngineMemory(
            name=name,
            model=managed[name].model,
            kind=managed[name].kind or "",
            role=account.declared.role,
            device=account.declared.device,
            state=account.life,
            declared=account.declared.memory,
            session=account.declared.session,
            need=account.need,
            measured=account.measured,
        )
        for name, account in gate.accounts.items()
    )
    service = gate.service
    return MemoryStatus(
        devices=devices,
        engines=engines,
        sessions=sessions,
        max_sessions=gate.policy.places,
        waiting=gate.places.queued,
        queue_places=gate.policy.queue_places,
        service=service.level,
        service_reason=service.reason,
    )


def gauges(status: MemoryStatus) -> dict[str, float]:
    """The same for /metrics."""
    told: dict[str, float] = {"avatar_sessions_waiting": status.waiting}
    for device in status.devices:
        told[f'avatar_memory_used_bytes{{device="{device.name}"}}'] = device.used
        told[f'avatar_memory_promised_bytes{{device="{device.name}"}}'] = device.promised
        told[f'avatar_memory_limit_bytes{{device="{device.name}"}}'] = device.limit
    for level in _LEVELS:
        told[f'avatar_service{{level="{level}"}}'] = level == status.service
    return told
