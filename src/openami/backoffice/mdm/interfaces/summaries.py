"""What billing runs made of a point, as summaries of a Green Button feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from openami.backoffice.mdm.billing.determinants import Line
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.series import seconds
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.protocols.exchange.espi import EspiSummary

SECOND = 1_000_000


def summaries(store: Store, registry: Registry, point: int, start: datetime, end: datetime) -> Iterator[EspiSummary]:
    """Of each run whose whole period lies between `start` and `end` what its latest version says of `point`."""
    billing, zone = Billing(store, registry), registry.point(point).zone
    for run in billing.runs():
        first, last = billing.period(run, zone)
        if first < start or last > end:
            continue
        for result in billing.results(run.id, [point]):
            energy, demand = _named("import", result.lines), _named("demand", result.lines)
            known = [line for line in demand if line.value is not None]
            peak = max(known, key=lambda line: line.value or 0, default=None)
            values = [line.value for line in energy]
            if energy:
                yield EspiSummary(
                    number=run.id,
                    start=seconds(first),
                    duration_s=seconds(last) - seconds(first),
                    energy_wh=None if None in values else sum(value or 0 for value in values),
                    estimated=any(line.estimated for line in energy),
                    complete=not any(line.missing for line in energy),
                    demand_w=None if peak is None else peak.value,
                    demand_at=None if peak is None else peak.at,
                    tariff=run.plan,
                    told_at=result.made_at // SECOND,
                )


def _named(name: str, lines: Sequence[Line]) -> list[Line]:
    """The line of that name, or those of the parts of the period."""
    return [line for line in lines if line.name.partition("@")[0] == name]
