"""One read of one meter: associate, clock, load profile, daily billing, event log, release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from openami.backoffice.operations.assignment import Assignment, Period
from openami.backoffice.operations.cause import cause_of
from openami.backoffice.operations.profile_layout import (
    ProfileLayout,
    capture_objects,
    decode_rows,
    log_events,
    profile_columns,
    stamped_registers,
)
from openami.backoffice.operations.read_plan import CLOCK
from openami.backoffice.operations.session_result import (
    Answer,
    ClockRead,
    EventRead,
    ProfileColumnRead,
    RegisterRead,
    SessionResult,
    Undecodable,
)
from openami.backoffice.operations.sub_meter_session import read_sub_meters
from openami.io.clock import Clock
from openami.io.links.dlms import DlmsClient
from openami.model.errors import DecodeError, SecurityError, ServiceError
from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.clock import Clock as ClockClass
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.register import Register
from openami.protocols.dlms.data import Data, decode_data, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, SelectiveAccess
from openami.protocols.dlms.errors import DataAccessError
from openami.protocols.dlms.events import Refused
from openami.protocols.dlms.profile_columns import ProfileColumns
from openami.protocols.dlms.selective_access import CaptureObjectDefinition, RangeDescriptor, access_of

_LOG_OVERLAP = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)


class _Said(TypedDict, total=False):
    """What an `Answer` says; each answer says one thing."""

    profile: tuple[ProfileColumnRead, ...]
    registers: tuple[RegisterRead, ...]
    events: tuple[EventRead, ...]
    values: tuple[Measurement, ...]
    sub_meter: bytes


class ReadingSession:
    """Reads what an assignment says into `result`, which holds what was read even if the session breaks."""

    def __init__(self, client: DlmsClient, assignment: Assignment, clock: Clock, result: SessionResult) -> None:
        self._client = client
        self._assignment = assignment
        self._clock = clock
        self._result = result
        self._deviation: int | None = None
        self._raw = b""

    async def run(self) -> None:
        """Read everything. What the meter refuses or garbles does not keep the rest from being read; the first such
        error is raised at the end. A broken link and failed security end the session at once.
        """
        first: ServiceError | DecodeError | None = None
        try:
            await self._client.associate()
            for part in (
                self._read_clock,
                self._read_load_profile,
                self._read_billing,
                self._read_sub_meters,
                self._read_log,
            ):
                try:
                    await part()
                except (ServiceError, DecodeError) as error:
                    self._keep_undecodable(error)
                    first = first or error
            await self._client.release()
        except SecurityError as error:
            self._keep_undecodable(error)
            raise
        finally:
            self._keep_asides()
        if first is not None:
            raise first

    async def _read_clock(self) -> None:
        before = self._clock.time()
        shown = await self._client.get(ClockClass.time, CLOCK)
        after = self._clock.time()
        at = shown.to_utc()
        if at is None:
            raise DecodeError(f"the meter's clock shows {shown}, which is no instant", 0, ("time",))
        self._deviation = shown.deviation
        resolution_s = 0.5 if shown.hundredths in {None, 0} else 0.005
        middle = (before + after) / 2
        self._result.clock = ClockRead(
            datetime.fromtimestamp(after, UTC),
            at.timestamp() + resolution_s - middle,
            (after - before) / 2 + resolution_s,
            shown.deviation,
        )

    async def _read_load_profile(self) -> None:
        ranges, code = self._assignment.ranges, self._assignment.plan.load_profile
        if code is None or not ranges:
            return
        profile = ObisCode.parse(code)
        layout = await self._layout(profile)
        for start, end in ranges:
            # The snapshot at the start of a hole is there already, unless the hole is the period's own beginning.
            since = start if start == self._assignment.period[0] else start + _SECOND
            rows = await self._rows(profile, layout, (since, end))
            self._keep(
                f"load profile {profile}", len(rows), profile=profile_columns(rows, layout, self._assignment.scalers)
            )

    async def _read_billing(self) -> None:
        code = self._assignment.plan.daily_billing
        if code is None:
            return
        profile = ObisCode.parse(code)
        layout = await self._layout(profile)
        rows = await self._rows(profile, layout, self._assignment.period)
        registers = stamped_registers(rows, layout, self._assignment.scalers)
        self._keep(f"daily billing {profile}", len(rows), registers=registers)

    async def _read_sub_meters(self) -> None:
        if not self._assignment.plan.sub_meters:
            return
        for read in await read_sub_meters(self._client, self._assignment.plan.sub_meters):
            self._raw = read.plain
            title = read.address.link_order
            self._keep(f"sub-meter {read.address}", len(read.values), values=read.values, sub_meter=title)

    async def _read_log(self) -> None:
        code = self._assignment.plan.event_log
        if code is None:
            return
        profile, since = ObisCode.parse(code), self._assignment.log_from
        layout = ProfileLayout(await self._columns(profile), 0, {})
        now = self._meter_time()
        rows = await self._rows(profile, layout, None if since is None else (since - _LOG_OVERLAP, now))
        self._keep(f"event log {profile}", len(rows), events=log_events(rows, layout))
        self._result.log_through = now

    async def _layout(self, profile: ObisCode) -> ProfileLayout:
        """What the profile captures and how its registers count."""
        columns = await self._columns(profile)
        period_s = await self._client.get(ProfileGeneric.capture_period, profile)
        codes = [column.logical_name for column in columns if column.class_id in (3, 4) and column.attribute_index == 2]
        return ProfileLayout(columns, period_s, await self._scalers(list(dict.fromkeys(codes)), columns))

    async def _columns(self, profile: ObisCode) -> tuple[CaptureObjectDefinition, ...]:
        raw = await self._client.get_raw(CosemAttributeDescriptor(7, profile, 3))
        return capture_objects(decode_data(raw))

    async def _scalers(
        self, codes: Sequence[ObisCode], columns: Sequence[CaptureObjectDefinition]
    ) -> dict[ObisCode, int]:
        classes = {column.logical_name: column.class_id for column in columns}
        answers = await self._client.get_list([CosemAttributeDescriptor(classes[code], code, 3) for code in codes])
        scalers = {}
        for code, answer in zip(codes, answers, strict=True):
            if isinstance(answer, DataAccessResult):
                raise DataAccessError(answer, f"{code} scaler_unit")
            scalers[code] = Register.scaler_unit.cosem_type.from_data(decode_data(answer)).scaler
        return scalers

    async def _rows(self, profile: ObisCode, layout: ProfileLayout, period: Period | None) -> ProfileColumns:
        column = layout.columns[layout.clock]
        selection = None if period is None else _range(column, period)
        self._raw = await self._client.get_raw(CosemAttributeDescriptor(7, profile, 2), selection)
        return decode_rows(self._raw, layout, self._deviation)

    def _keep(self, note: str, rows: int, **said: Unpack[_Said]) -> None:
        """Keep the last answer with what it says; an answer without rows is no evidence of anything."""
        if rows:
            now = datetime.fromtimestamp(self._clock.time(), UTC)
            received = tuple(self._client.received)
            self._result.answers.append(Answer(now, received, self._raw, f"{note}, {rows} rows", **said))

    def _keep_undecodable(self, error: ServiceError | DecodeError | SecurityError) -> None:
        if not isinstance(error, ServiceError):
            received = tuple(self._client.received)
            self._result.undecodable.append(Undecodable(cause_of(error), str(error), received))

    def _keep_asides(self) -> None:
        """What came in between: pushes, refused APDUs, garbage."""
        for aside in self._client.refused:
            if isinstance(aside, Refused):
                kept = Undecodable(cause_of(aside.error), str(aside.error), (aside.apdu,))
            else:
                kept = Undecodable(cause_of(DecodeError(aside.reason, 0)), aside.reason, (aside.data,))
            self._result.undecodable.append(kept)
        self._result.pushed += [notified.apdu for notified in self._client.notifications]

    def _meter_time(self) -> datetime:
        drift_s = self._result.clock.drift_s if self._result.clock is not None else 0.0
        return datetime.fromtimestamp(self._clock.time() + drift_s, UTC)


def _range(column: CaptureObjectDefinition, period: Period) -> SelectiveAccess:
    return access_of(RangeDescriptor(column, _date_time(period[0]), _date_time(period[1])))


def _date_time(at: datetime) -> Data:
    return octet_string(bytes(CosemDateTime.from_utc(at.timestamp())))
