"""The formats that can be read, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from openami.protocols.exchange.cim_readings import parse_cim_readings
from openami.protocols.exchange.csv_readings import parse_csv
from openami.protocols.exchange.delivery import Parsed
from openami.protocols.exchange.nem12 import parse_nem12

PARSERS: dict[str, Callable[[Iterable[bytes]], Parsed]] = {
    "cim": parse_cim_readings,
    "csv": parse_csv,
    "nem12": parse_nem12,
}
