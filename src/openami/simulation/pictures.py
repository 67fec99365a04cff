"""A run as pictures: the map with its routes, delivery by the hour, hops, latencies. Plain SVG, readable alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from openami.simulation.district import District
from openami.simulation.run import Result

WIDTH, HEIGHT, MARGIN = 760, 420, 46
_INK, _LINE, _FILL, _LOST = "#1f2933", "#9aa5b1", "#2f6f9f", "#c2410c"


def draw(district: District, result: Result, folder: Path) -> list[Path]:
    """Write the four pictures into `folder`; what they are called."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "map": picture_of_map(district, result),
        "delivery": picture_of_delivery(result),
        "hops": picture_of_hops(result),
        "latency": picture_of_latency(result),
    }
    paths = [folder / f"{name}.svg" for name in pictures]
    for path, text in zip(paths, pictures.values(), strict=True):
        path.write_text(text)
    return paths


def picture_of_map(district: District, result: Result) -> str:
    """Every station where it stands; a line to its parent; those without a way up in another colour."""
    stations = [(one.name, one.x_m, one.y_m) for one in district.stations]
    low_x, low_y = min(x for _, x, _ in stations), min(y for _, _, y in stations)
    wide = max(1, max(x for _, x, _ in stations) - low_x)
    high = max(1, max(y for _, _, y in stations) - low_y)
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT * 1.6 - 2 * MARGIN) / high)
    at = [(MARGIN + (x - low_x) * scale, MARGIN + (y - low_y) * scale) for _, x, y in stations]
    roots = len(district.collectors)
    parts = [_line(at[number], at[parent]) for number, parent in result.routes.items() if parent is not None]
    for number, (x, y) in enumerate(at):
        lost = number >= roots and result.routes.get(number) is None
        colour, radius = (_INK, 7) if number < roots else (_LOST if lost else _FILL, 3)
        title = escape(stations[number][0])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"><title>{title}</title></circle>')
    return _svg(f"{district.name}: the routes at the end of the run", parts, round(high * scale) + 2 * MARGIN)


def picture_of_delivery(result: Result) -> str:
    """The share of all pushes until each hour that had arrived by then."""
    shares = result.delivered_share
    points = [(number, share) for number, share in enumerate(shares, start=1)]
    return _svg(
        "Pushes arrived, share of those sent until then", list(_curve(points, "hour", "share", low=0.9, high=1.0))
    )


def picture_of_hops(result: Result) -> str:
    """How many links the pushes passed."""
    return _svg("Pushes by hops", list(_bars(list(result.hops.items()), "hops")))


def picture_of_latency(result: Result) -> str:
    """The share of pushes that arrived within a time, from the first attempt to send."""
    latencies = result.latencies_s
    steps = range(101)
    points = [(result.latency_s(percent), percent / 100) for percent in steps] if latencies else []
    return _svg("Pushes arrived within seconds", list(_curve(points, "seconds", "share", low=0.0, high=1.0)))


def picture_of_steps(title: str, unit: str, values: Sequence[float]) -> str:
    """The distribution of `values`, sorted, one for each seed: how many are not above a number of `unit`."""
    points = [(0.0, 0.0)]
    for number, value in enumerate(values, start=1):
        points += [(value, number - 1.0), (value, float(number))]
    return _svg(title, list(_curve(points, unit, "seeds", low=0.0, high=float(len(values)))))


def _svg(title: str, parts: Sequence[str], height: int = HEIGHT) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" role="img"><title>{escape(title)}</title><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{MARGIN}" y="24" font-size="15" fill="{_INK}">{escape(title)}</text>'
    )
    return "\n".join((head, *parts, "</svg>\n"))


def _line(one: tuple[float, float], other: tuple[float, float]) -> str:
    return f'<path d="M{one[0]:.1f} {one[1]:.1f}L{other[0]:.1f} {other[1]:.1f}" stroke="{_LINE}" stroke-width="0.8"/>'


def _bars(values: Sequence[tuple[int, int]], name: str) -> Iterator[str]:
    yield from _axes(name, "pushes")
    most = max((count for _, count in values), default=1)
    step = (WIDTH - 2 * MARGIN) / max(1, len(values))
    for place, (value, count) in enumerate(values):
        tall = (HEIGHT - 2 * MARGIN) * count / most
        x = MARGIN + place * step
        yield (
            f'<rect x="{x + step * 0.1:.1f}" y="{HEIGHT - MARGIN - tall:.1f}" width="{step * 0.8:.1f}" '
            f'height="{tall:.1f}" fill="{_FILL}"><title>{value}: {count}</title></rect>'
        )
        yield f'<text x="{x + step / 2:.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{value}</text>'


def _curve(
    points: Sequence[tuple[float, float]], x_name: str, y_name: str, *, low: float, high: float
) -> Iterator[str]:
    yield from _axes(x_name, y_name)
    if not points:
        return
    low = min(low, *(y for _, y in points), high)
    last = max(x for x, _ in points) or 1.0
    places = [
        (
            MARGIN + (WIDTH - 2 * MARGIN) * x / last,
            HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (y - low) / (high - low),
        )
        for x, y in points
    ]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    yield f'<path d="M{path}" fill="none" stroke="{_FILL}" stroke-width="2"/>'
    for value, y in ((low, HEIGHT - MARGIN), (high, MARGIN)):
        yield f'<text x="{MARGIN - 6}" y="{y + 4}" text-anchor="end">{value:.4g}</text>'
    yield f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - MARGIN + 16}" text-anchor="end">{last:.4g}</text>'


def _axes(x_name: str, y_name: str) -> Iterator[str]:
    bottom = HEIGHT - MARGIN
    yield f'<path d="M{MARGIN} {MARGIN}V{bottom}H{WIDTH - MARGIN}" fill="none" stroke="{_INK}"/>'
    yield f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle" fill="{_INK}">{escape(x_name)}</text>'
    yield f'<text x="{MARGIN}" y="{MARGIN - 6}" fill="{_INK}">{escape(y_name)}</text>'
