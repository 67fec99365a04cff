"""Why a stored value is as it is: `openami mdm explain`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from openami.app.installation import Installation
from openami.app.settings import SETTINGS_FILE
from openami.backoffice.mdm.judge import Explanation, Judge
from openami.backoffice.mdm.reasons import Reason
from openami.backoffice.registry.registry import Registry
from openami.cli.output import JsonOption, print_json, print_rows
from openami.cli.registered import interval_channel, point_of
from openami.cli.up import SettingsOption
from openami.cli.written import code_of, moment_of
from openami.model.point import Channel, MeteringPoint

ObisOption = Annotated[str, typer.Option(help="Which energy.")]
IMPORT = "1-0:1.8.0*255"


def explain(
    point: Annotated[str, typer.Argument(help="Code of the metering point.")],
    moment: Annotated[
        str, typer.Argument(metavar="TIME", help="A moment in the interval, ISO 8601; without a zone the point's own.")
    ],
    *,
    obis: ObisOption = IMPORT,
    settings: SettingsOption = Path(SETTINGS_FILE),
    as_json: JsonOption = False,
) -> None:
    """Say why an interval has the value it has: as measured, as judged, by which rules, parameters and inputs."""
    at = moment_of("TIME", moment)
    assert at is not None
    store = Installation.load(settings).open_store()
    try:
        registry = Registry(store)
        found = point_of(registry, point)
        channel = interval_channel(registry, found, code_of(obis))
        asked = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(found.zone))
        told = Judge(store, registry).explain(found.id, channel.number, asked)
    finally:
        store.close()
    _show(found, channel, told, as_json=as_json)


def _show(point: MeteringPoint, channel: Channel, told: Explanation, *, as_json: bool) -> None:
    zone = ZoneInfo(point.zone)
    unit = channel.unit.symbol
    facts: dict[str, object] = {
        "point": point.code,
        "obis": str(channel.obis),
        "start": told.start.astimezone(zone).isoformat(timespec="minutes"),
        "end": told.end.astimezone(zone).isoformat(timespec="minutes"),
        "unit": unit if not channel.scaler else f"10^{channel.scaler} {unit}",
        "measured": told.measured,
        "measured_quality": told.measured_quality.name.lower(),
        "evidence": told.evidence,
        "multiplier": told.multiplier,
        "value": told.value,
        "quality": told.quality.name.lower(),
        "version": told.version,
        "judged_at": None if told.judged_at is None else told.judged_at.isoformat(timespec="seconds"),
        "rule_set": told.rule_set,
        "stale": told.stale,
        "edited": told.edited,
    }
    if as_json:
        print_json(facts | {"reasons": [_reason(reason) for reason in told.reasons]})
        return
    print_rows(f"{point.code} {facts['start']}", ("Fact", "Value"), list(facts.items()), as_json=False)
    rows = [
        (
            reason.name,
            reason.outcome,
            reason.count,
            _pairs(reason.parameters.items()),
            _pairs(reason.inputs.items()),
        )
        for reason in told.reasons
    ]
    print_rows("Reasons", ("Rule or method", "Outcome", "Intervals", "Parameters", "Inputs"), rows, as_json=False)


def _reason(reason: Reason) -> dict[str, object]:
    return {
        "name": reason.name,
        "outcome": str(reason.outcome),
        "first": reason.first,
        "count": reason.count,
        "parameters": dict(reason.parameters),
        "inputs": dict(reason.inputs),
    }


def _pairs(items: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in items)
