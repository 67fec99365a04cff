"""Load profiles that meters push by themselves: judged, kept and made readings, many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from openami.backoffice.operations.cause import Cause, NotReadable
from openami.backoffice.operations.intake import Intake
from openami.backoffice.operations.profile_layout import ProfileLayout, decode_rows, profile_columns
from openami.backoffice.operations.push_store import KeptPush, PushState, PushStore
from openami.backoffice.operations.session_result import ProfileColumnRead
from openami.backoffice.registry.registry import Registry
from openami.model.errors import DecodeError, OpenAmiError
from openami.model.obis import ObisCode
from openami.model.point import Meter
from openami.model.reading import ProfileReading, Received
from openami.protocols.dlms.cosem.interval_push import INTERVAL_COLUMNS, IntervalPush
from openami.protocols.dlms.push_receiver import PushReceived

PROTOCOL = "dlms-push"
INVOKE_ID_MASK = 0x00FF_FFFF
FUTURE_MAX_S = 300
PAST_MAX_S = 45 * 86_400
"""Rows that are pushed lie between these and our own time: else the meter's clock is wrong, and so is their place."""
_WATT_HOURS = {column.logical_name: 0 for column in INTERVAL_COLUMNS if column.class_id == 3}


class PushedRows(NamedTuple):
    """A push of rows whose protection was verified: its sender is known and has counted it."""

    kept: KeptPush
    apdu: bytes
    opened: PushReceived
    rows: IntervalPush

    @property
    def sender(self) -> bytes:
        """The sender's system title."""
        assert self.opened.system_title is not None
        return self.opened.system_title

    @property
    def counter(self) -> int:
        """The sender's invocation counter."""
        assert self.opened.invocation_counter is not None
        return self.opened.invocation_counter

    @property
    def number(self) -> int:
        """The number that the meter gave the push."""
        return self.opened.notification.long_invoke_id_and_priority & INVOKE_ID_MASK


class RowsTaken(NamedTuple):
    """What became of one: it counts, came before, or (an error) cannot be read. `meter` is its registry id, if any."""

    pushed: PushedRows
    meter: int | None
    outcome: PushState | OpenAmiError
    readings: Sequence[ProfileReading] = ()


class _Readable(NamedTuple):
    pushed: PushedRows
    meter: int
    columns: tuple[ProfileColumnRead, ...]

    @property
    def received(self) -> Received:
        kept = self.pushed.kept
        note = f"push from {kept.source}: load profile"
        return Received(self.meter, kept.received_at, PROTOCOL, (kept.content,), self.pushed.opened.plain, note)


class RowOpening:
    """Synchronous; joins the caller's transaction."""

    def __init__(self, pushes: PushStore, registry: Registry, intake: Intake) -> None:
        self._pushes = pushes
        self._registry = registry
        self._intake = intake

    def take(self, batch: Sequence[PushedRows], now: datetime) -> Iterator[RowsTaken]:
        """What became of each; a push counts once, the first with its sender and counter."""
        if not batch:
            return
        meters = self._registry.meters_by_system_titles(list(dict.fromkeys(one.sender for one in batch)))
        scalers = self._scalers([meter.id for meter in meters.values()])
        readable: list[_Readable] = []
        for one in batch:
            meter = meters.get(one.sender)
            try:
                read = _read(one, meter, scalers)
                _check_times(read, now.timestamp())
            except (DecodeError, NotReadable) as error:
                yield RowsTaken(one, None if meter is None else meter.id, error)
            else:
                readable.append(read)
        yield from self._taken(readable)

    def _taken(self, readable: Sequence[_Readable]) -> Iterator[RowsTaken]:
        firsts = self._pushes.first_times(
            [(one.pushed.kept, one.pushed.sender, one.pushed.counter) for one in readable]
        )
        fresh = [one for one, first in zip(readable, firsts, strict=True) if first]
        evidence = iter(self._intake.keep_all_evidence([one.received for one in fresh]))
        for one, first in zip(readable, firsts, strict=True):
            if not first:
                yield RowsTaken(one.pushed, one.meter, PushState.REPEATED)
                continue
            number, known_at = next(evidence), one.pushed.kept.received_at
            readings = [ProfileReading(one.meter, *column, known_at, number) for column in one.columns]
            yield RowsTaken(one.pushed, one.meter, PushState.OPENED, readings)

    def _scalers(self, meters: Sequence[int]) -> dict[int, dict[ObisCode, int]]:
        """Per meter the power of ten of each register, as the channels of its points say."""
        hung = self._registry.installations_of_meters(meters)
        points: dict[int, dict[ObisCode, int]] = {}
        for channel in self._registry.channels_of_points(list(dict.fromkeys(one.metering_point for one in hung))):
            points.setdefault(channel.metering_point, {})[channel.obis] = channel.scaler
        found: dict[int, dict[ObisCode, int]] = {}
        for one in hung:
            found.setdefault(one.meter, {}).update(points.get(one.metering_point, {}))
        return found


def _read(pushed: PushedRows, meter: Meter | None, scalers: Mapping[int, Mapping[ObisCode, int]]) -> _Readable:
    """Raises `NotReadable` for a meter that nobody knows, `DecodeError`."""
    if meter is None:
        raise not_registered(pushed.sender)
    layout = ProfileLayout(INTERVAL_COLUMNS, pushed.rows.capture_period_s, _WATT_HOURS)
    rows = decode_rows(pushed.rows.buffer, layout, None)
    return _Readable(pushed, meter.id, profile_columns(rows, layout, scalers.get(meter.id, {})))


def _check_times(readable: _Readable, now: float) -> None:
    """Raises `NotReadable`. By our clock: when the head-end says that it has come is the head-end's word."""
    for column in readable.columns:
        for stamp in (int(column.stamps.min()), int(column.stamps.max())) if len(column.stamps) else ():
            if not now - PAST_MAX_S <= stamp <= now + FUTURE_MAX_S:
                when = datetime.fromtimestamp(stamp, UTC)
                raise NotReadable(
                    Cause.WRONG_SETTING, f"a row of {when:%Y-%m-%d %H:%M} UTC: the meter's clock is wrong"
                )


def not_registered(system_title: bytes) -> NotReadable:
    """Why nothing of this sender is read."""
    why = f"the registry knows no meter with system title {system_title.hex()}"
    return NotReadable(Cause.NOT_REGISTERED, why)
