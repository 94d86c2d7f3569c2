"""Draws memory over time as an SVG: what each holder has, stacked, below the ceiling."""

from collections.abc import Sequence
from html import escape

import msgspec

_WIDTH, _HEIGHT = 960, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 44, 40


class Layer(msgspec.Struct, frozen=True):
    name: str
    colour: str
    values: Sequence[float]


class Line(msgspec.Struct, frozen=True):
    name: str
    value: float


def stacked(title: str, hours: Sequence[float], layers: Sequence[Layer], lines: Sequence[Line], top: float) -> str:
    """``layers`` from the bottom up, one value for each of ``hours``; ``top``: the highest value of the axis."""

    def x(hour: float) -> float:
        return _LEFT + (hour - hours[0]) / (hours[-1] - hours[0]) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="12"><title>{escape(title)}</title>'
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        )
    ]
    below = [0.0] * len(hours)
    for layer in layers:
        above = [low + value for low, value in zip(below, layer.values, strict=True)]
        outline = [f"{x(hour):.1f},{y(value):.1f}" for hour, value in zip(hours, above, strict=True)]
        outline += [f"{x(hour):.1f},{y(value):.1f}" for hour, value in zip(hours[::-1], below[::-1], strict=True)]
        parts.append(f'<polygon fill="{layer.colour}" points="{" ".join(outline)}"/>')
        below = above
    for value in range(0, int(top) + 1, 4):
        parts.append(f'<text x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#333">{value} GB</text>')
        parts.append(f'<path d="M{_LEFT} {y(value):.1f}H{_WIDTH - _RIGHT}" stroke="#000" stroke-opacity=".12"/>')
    parts.extend(
        f'<path d="M{_LEFT} {y(line.value):.1f}H{_WIDTH - _RIGHT}" stroke="#b00020" stroke-width="1.5"/>'
        f'<text x="{_WIDTH - _RIGHT - 4}" y="{y(line.value) - 4:.1f}" text-anchor="end" '
        f'fill="#b00020">{escape(line.name)}</text>'
        for line in lines
    )
    for half in range(int(hours[0] * 2), int(hours[-1] * 2) + 1):
        place = f'x="{x(half / 2):.1f}" y="{_HEIGHT - _BOTTOM + 18}"'
        parts.append(f'<text {place} text-anchor="middle" fill="#333">{half / 2:g} h</text>')
    for number, layer in enumerate(layers):
        left = _LEFT + number * 172
        parts.append(
            f'<rect x="{left}" y="14" width="12" height="12" fill="{layer.colour}"/>'
            f'<text x="{left + 18}" y="24" fill="#333">{escape(layer.name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])
