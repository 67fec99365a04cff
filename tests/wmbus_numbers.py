"""The wireless telegrams that lie beside the project, and the numbers that their publisher's program printed.

A field's name ends in its unit. A number counts as found when some value of ours, in that unit, is the same as far
as the publisher's digits go.
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

from openami.model.measurement import Measurement
from openami.model.quantity import Quantity
from shared_vectors import VECTORS

TERMS = ("permissive", "gpl", "restricted", "unlicensed")

# suffix → (units of ours → factor to the suffix's unit)
_JOULE = {"J": 1, "Wh": 3600, "kWh": 3_600_000, "MJ": 1_000_000}
_POWER = {"W": 1, "kW": 1000, "J/h": Decimal(1) / 3600}


def _scaled(units: dict[str, Any], by: Any) -> dict[str, Decimal]:
    return {unit: Decimal(factor) / Decimal(by) for unit, factor in units.items()}


UNITS: dict[str, dict[str, Decimal]] = {
    "m3": _scaled({"m³": 1, "l": Decimal("0.001"), "m³ (corrected)": 1}, 1),
    "l": _scaled({"m³": 1000, "l": 1}, 1),
    "m3h": _scaled({"m³/h": 1, "l/h": Decimal("0.001")}, 1),
    "lh": _scaled({"m³/h": 1000}, 1),
    "kwh": _scaled(_JOULE, 3_600_000),
    "wh": _scaled(_JOULE, 3600),
    "mj": _scaled(_JOULE, 1_000_000),
    "gj": _scaled(_JOULE, 1_000_000_000),
    "kw": _scaled(_POWER, 1000),
    "w": _scaled(_POWER, 1),
    "c": _scaled({"°C": 1, "K": 1}, 1),
    "k": _scaled({"K": 1, "°C": 1}, 1),
    "v": _scaled({"V": 1}, 1),
    "a": _scaled({"A": 1}, 1),
    "hz": _scaled({"Hz": 1}, 1),
    "bar": _scaled({"bar": 1}, 1),
    "kg": _scaled({"kg": 1}, 1),
    "kvarh": _scaled({"varh": 1, "kvarh": 1000}, 1000),
    "kvar": _scaled({"var": 1, "kvar": 1000}, 1000),
    "kva": _scaled({"VA": 1, "kVA": 1000}, 1000),
    "kvah": _scaled({"VAh": 1, "kVAh": 1000}, 1000),
    "pct": _scaled({"%": 1}, 1),
    "rh": _scaled({"%": 1}, 1),
    "dbm": _scaled({"dBm": 1}, 1),
    "s": _scaled({"s": 1, "min": 60, "h": 3600, "d": 86400}, 1),
    "min": _scaled({"s": 1, "min": 60, "h": 3600, "d": 86400}, 60),
    "h": _scaled({"s": 1, "min": 60, "h": 3600, "d": 86400}, 3600),
    "d": _scaled({"s": 1, "min": 60, "h": 3600, "d": 86400}, 86400),
    "y": _scaled({"a": 1, "d": 1 / Decimal("365.2425"), "mo": 1 / Decimal(12)}, 1),
    "month": _scaled({"mo": 1, "a": 12}, 1),
}


def telegrams() -> list[dict[str, Any]]:
    """All entries of all sets, with `terms` and the number of its line; none where the sets are absent."""
    files = [file for terms in TERMS for file in sorted((VECTORS / "wmbus" / terms).glob("*.jsonl"))]
    return [
        {**json.loads(line), "terms": file.parent.name, "line": number}
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
    ]


def unit_of(field: str) -> str:
    """The unit that ends a field's name; empty if none does."""
    suffix = field.rpartition("_")[2]
    return suffix if suffix in UNITS else ""


def found(field: str, number: float, values: tuple[Measurement, ...]) -> bool:
    """Whether one of `values` is `number` in the unit that ends the name `field`."""
    units = UNITS.get(unit_of(field))
    wanted = Decimal(str(number))
    for value in values:
        if not isinstance(value.value, Quantity):
            continue
        if units is None:
            ours: Decimal | None = value.value.value
        else:
            factor = units.get(value.value.unit.symbol)
            ours = None if factor is None else value.value.value * factor
        if ours is not None and abs(ours - wanted) <= max(abs(wanted) * Decimal("5e-6"), Decimal("6e-7")):
            return True
    return False


def expected_numbers(entry: dict[str, Any]) -> dict[str, float]:
    """The numbers that an entry's publisher printed, by the name of their field."""
    expected = entry.get("expected") or {}
    return {name: n for name, n in expected.items() if isinstance(n, int | float) and not isinstance(n, bool)}


def missing(entry: dict[str, Any], values: tuple[Measurement, ...]) -> set[str]:
    """The fields of an entry whose number no value of ours is."""
    return {name for name, number in expected_numbers(entry).items() if not found(name, number, values)}


def name_of(entry: dict[str, Any]) -> str:
    """A name that stays when the collection grows: the publisher's driver and the telegram's digest."""
    return f"{entry['driver_name']}-{sha256(bytes.fromhex(entry['telegram_hex'])).hexdigest()[:8]}"
