"""What the electricity meter says in SML: the list that it pushes, and its load profile for those who ask."""

from __future__ import annotations

from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.port_registers import registers
from openami.io.clock import Clock
from openami.model.unit import Unit
from openami.protocols.sml.conversation import PROFILE_15_MINUTES, Known
from openami.protocols.sml.element import integer, unsigned
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import Body, CloseResponse, GetListResponse, GetProfilePackResponse, OpenResponse
from openami.protocols.sml.transport import encode_transport
from openami.protocols.sml.types import (
    TIMESTAMP,
    ListEntry,
    ProfileHeaderEntry,
    ProfilePeriodEntry,
    SmlTime,
    ValueEntry,
)

ROWS_MAX = 1_000
"""Rows in one answer, the oldest first: what is behind them is asked for anew."""
CODES = (bytes.fromhex("0100010800ff"), bytes.fromhex("0100020800ff"))


def sml_file(meter: ElectricityMeter, now: float) -> bytes:
    """One pushed list in its transport: open, list, close."""
    server = meter.config.system_title
    number = int(now).to_bytes(4, "big")
    bodies: tuple[Body, ...] = (
        OpenResponse(None, None, number, server),
        GetListResponse(None, server, None, None, _entries(meter, now)),
        CloseResponse(),
    )
    messages = [Message(number + bytes((at,)), 0, 0, body) for at, body in enumerate(bodies)]
    return encode_transport(encode_file(messages))


def known_to(meter: ElectricityMeter, clock: Clock) -> Known:
    """What the meter tells those who ask."""

    def profile(begin: int, end: int) -> GetProfilePackResponse:
        meter.advance(clock.time())
        return _profile(meter, begin, end, int(clock.time()))

    return Known(meter.config.system_title, lambda: _entries(meter, clock.time()), profile)


def _entries(meter: ElectricityMeter, now: float) -> tuple[ListEntry, ...]:
    return tuple(
        ListEntry(bytes(code), None, None, unit.value, integer(scaler, 1), unsigned(value, 8))
        for code, value, scaler, unit in registers(meter, now)
    )


def _profile(meter: ElectricityMeter, begin: int, end: int, now: int) -> GetProfilePackResponse:
    rows = meter.load_profile.records()[["second", "c1", "c2", "c3"]].tolist()
    inside = [row for row in rows if begin <= row[0] <= end][:ROWS_MAX]
    periods = tuple(
        ProfilePeriodEntry(
            SmlTime(TIMESTAMP, second), status, tuple(ValueEntry(unsigned(value, 8)) for value in values)
        )
        for second, status, *values in inside
    )
    columns = tuple(ProfileHeaderEntry(code, Unit.WATT_HOUR.value, 0) for code in CODES)
    path, period_s = (PROFILE_15_MINUTES,), meter.capture_period_s
    return GetProfilePackResponse(meter.config.system_title, SmlTime(TIMESTAMP, now), period_s, path, columns, periods)
