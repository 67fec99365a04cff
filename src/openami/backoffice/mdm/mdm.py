"""Metering data management: one object that takes readings, keeps them, and answers for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, select

from openami.backoffice.mdm import evidence as kept
from openami.backoffice.mdm import stamped, stored, unplaced
from openami.backoffice.mdm.bill import Bill, make_bill
from openami.backoffice.mdm.calendar import Period, edges
from openami.backoffice.mdm.chain import Chain, chain_of
from openami.backoffice.mdm.close.close import kpis
from openami.backoffice.mdm.close.counts import Kpis
from openami.backoffice.mdm.consumption import Consumption, consumptions
from openami.backoffice.mdm.evidence import Evidence
from openami.backoffice.mdm.held import held_span
from openami.backoffice.mdm.intake import Intake, IntakeResult
from openami.backoffice.mdm.last_stamps import last_stamps
from openami.backoffice.mdm.missing import Gap, gaps, holes, incomplete, joined
from openami.backoffice.mdm.placement import BLOCK_KINDS, Directory, Place, home_of, homes, place_of, places_by_meter
from openami.backoffice.mdm.ratios import UNCHANGED, ratios_of
from openami.backoffice.mdm.series import Series, Span, read_span, seconds, series_of
from openami.backoffice.mdm.stamped import StampedRegister
from openami.backoffice.mdm.status import DELIVERED, DELIVERED_QUALITY, delivered, from_meter, usable
from openami.backoffice.mdm.tables import interval_block
from openami.backoffice.mdm.unplaced import Unplaced
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S, utc
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, Installation
from openami.model.reading import ProfileReading, Received, RegisterReading

ACTIVE_ENERGY_IMPORT = ObisCode(1, 0, 1, 8, 0)


class Mdm:
    """Readings in `store`, placed by `registry`.

    Taking is idempotent: the same reading again stores nothing, and any order of arrival gives the same current view.
    Each method is one transaction, or part of the caller's (`store.transaction()`). Times are instants with a zone;
    a period reaches from `start` up to `end`, and an interval belongs to it if it lies wholly within.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._directory = Directory(registry)

    # Taking

    def keep_evidence(
        self, meter: int, received_at: datetime, protocol: str, received: Sequence[bytes], plain: bytes, note: str
    ) -> int:
        """Keep the bytes of one conversation or push; the id that readings name as their evidence."""
        return self.keep_all_evidence([Received(meter, received_at, protocol, tuple(received), plain, note)])[0]

    def keep_all_evidence(self, batch: Sequence[Received]) -> list[int]:
        """Keep the bytes of many conversations or pushes; their ids, in this order."""
        with self._store.transaction() as connection:
            meters = list(dict.fromkeys(said.meter for said in batch))
            hung: dict[int, list[Installation]] = {}
            for one in self._registry.installations_of_meters(meters):
                hung.setdefault(one.meter, []).append(one)
            return kept.keep(connection, [(_point_of(said, hung.get(said.meter, ())), said) for said in batch])

    def take_profile(self, batch: Sequence[ProfileReading]) -> IntakeResult:
        """Take register profiles: snapshots are kept, interval energies derived. What has no place is kept aside."""
        taken = _of_meters(batch)
        return self._store.repeat(lambda connection: self._intake(connection, batch).take_profile(taken))

    def take_energy(self, batch: Sequence[ProfileReading]) -> IntakeResult:
        """Take energies of intervals that another party delivered: `registers` are the energies themselves, `status`
        their `Quality`. A snapshot of a register goes before them, whenever it comes.
        """
        taken = [_delivered(reading) for reading in batch]
        return self._store.repeat(lambda connection: self._intake(connection, batch).take_profile(taken))

    def take_register(self, readings: Sequence[RegisterReading]) -> IntakeResult:
        """Take stamped registers (daily, monthly, closing and opening reads)."""
        return self._store.repeat(lambda connection: self._intake(connection, readings).take_register(readings))

    def place_unplaced(self, meter: int | None = None) -> IntakeResult:
        """Try again to place what waits (of `meter`, or of all): after an installation or a channel was recorded."""
        with self._store.transaction() as connection:
            waiting = unplaced.readings(connection, meter)
            unplaced.release(connection, [number for number, _ in waiting])
            intake = self._intake(connection, [reading for _, reading in waiting])
            result = intake.take_profile([reading for _, reading in waiting if reading.resolution_s])
            registers = [unplaced.as_register(reading) for _, reading in waiting if not reading.resolution_s]
            return result + intake.take_register(registers)

    def derive_again(self, metering_point: int, start: datetime) -> int:
        """Derive the point's energies from `start` on again: after other transformers were recorded. How many
        channel-days changed; a close judges them again.
        """
        meters = [hung.meter for hung in self._registry.installations_of_point(metering_point)]
        with self._store.transaction() as connection:
            self._directory.learn(meters)
            intake, last = Intake(connection, self._directory), stored.last_days(connection, [metering_point])
            return sum(
                intake.derive_again(channel, seconds(start) // DAY_S, last[metering_point, channel.number])
                for channel in self._block_channels(metering_point)
                if (metering_point, channel.number) in last
            )

    def unplaced(self, meter: int | None = None) -> list[Unplaced]:
        """What waits for a place, by meter and time."""
        with self._store.reading() as connection:
            return list(unplaced.waiting(connection, meter))

    # Values and where they came from

    def series(self, metering_point: int, channel: int, start: datetime, end: datetime) -> Series:
        """Every interval of the channel in the period as measured, missing ones included."""
        asked = self._registry.channel(metering_point, channel)
        return series_of(self._span(home_of(self._registry, asked), seconds(start), seconds(end)), asked.kind)

    def registers(self, metering_point: int, obis: ObisCode, start: datetime, end: datetime) -> list[StampedRegister]:
        """The stamped registers (daily, monthly, exchange) in the period, both ends included."""
        with self._store.reading() as connection:
            return stamped.between(connection, metering_point, obis, seconds(start), seconds(end))

    def evidence(self, identity: int) -> Evidence:
        """The bytes kept under this id. Raises `NotRegistered` if there are none."""
        with self._store.reading() as connection:
            found = kept.find(connection, identity)
        if found is None:
            raise NotRegistered(f"evidence {identity} is not in the store")
        return found

    def evidence_of(self, metering_point: int, channel: int, stamp: datetime) -> Evidence | None:
        """The bytes that the interval ending at `stamp` came from; None where no snapshot is known."""
        home = home_of(self._registry, self._registry.channel(metering_point, channel))
        span = self._span(home, seconds(stamp) - home.resolution_s, seconds(stamp))
        number = int(span.evidence[0]) if len(span.stamps) else 0
        return self.evidence(number) if number else None

    def last_stamp(self, metering_point: int, channel: int) -> datetime | None:
        """The end of the channel's last interval of which a snapshot is known."""
        home = home_of(self._registry, self._registry.channel(metering_point, channel))
        table = interval_block.c
        latest = stored.current(table.day).where(table.metering_point == metering_point, table.channel == home.number)
        with self._store.reading() as connection:
            day = connection.execute(latest.order_by(table.day.desc()).limit(1)).scalar()
        if day is None:
            return None
        span = self._span(home, day * DAY_S, (day + 1) * DAY_S)
        return utc(int(span.stamps[span.present][-1]))

    def last_stamps(self, channels: Sequence[Channel]) -> dict[tuple[int, int], datetime]:
        """As `last_stamp`, for many channels at once, by point and number; channels without a snapshot are left out.
        Of channels for single reads it is the last register's stamp.
        """
        single = [channel for channel in channels if channel.kind is ChannelKind.STAMPED_REGISTER]
        same = homes(self._registry.channels_of_points([channel.metering_point for channel in channels]))
        asked = [channel for channel in channels if channel.kind in BLOCK_KINDS]
        home = {each: same[each.metering_point, each.obis, each.resolution_s] for each in asked}
        with self._store.reading() as connection:
            found = last_stamps(connection, list(dict.fromkeys(home.values())))
            reads = stamped.last_stamps(connection, [channel.metering_point for channel in single]) if single else {}
        known = {(each.metering_point, each.number): found[kept] for each, kept in home.items() if kept in found}
        for each in single:
            stamp = reads.get((each.metering_point, str(each.obis)))
            if stamp is not None:
                known[each.metering_point, each.number] = utc(stamp)
        return known

    # Answers

    def consumption(
        self,
        metering_point: int,
        start: datetime,
        end: datetime,
        by: Period,
        obis: ObisCode = ACTIVE_ENERGY_IMPORT,
    ) -> list[Consumption]:
        """Energy by local periods of the point's zone; empty if the point has no interval channel for `obis`."""
        channel = self._block_channel(metering_point, obis)
        if channel is None:
            return []
        first, last = seconds(start), seconds(end)
        zone = self._registry.point(metering_point).zone
        with self._store.reading() as connection:
            reach = read_span(connection, metering_point, channel, first - channel.resolution_s, last)
            reads = stamped.between(connection, metering_point, obis, first, last)
        chain = self._chain(channel, reach, reads)
        bounds = edges(first, last, by, zone, channel.resolution_s)
        with self._store.reading() as connection:
            held, _ = held_span(connection, channel, self._span(channel, first, last))
        return consumptions(held, bounds, chain, channel)

    def bill(
        self, metering_point: int, start: datetime, end: datetime, obis: ObisCode = ACTIVE_ENERGY_IMPORT
    ) -> Bill | None:
        """The bill of a period; None if the point has no interval channel for `obis`."""
        channel = self._block_channel(metering_point, obis)
        if channel is None:
            return None
        first, last = seconds(start), seconds(end)
        with self._store.reading() as connection:
            back = self._last_register(channel, first)
            span = read_span(connection, metering_point, channel, back - channel.resolution_s, last)
            reads = stamped.between(connection, metering_point, obis, back, last)
            held = held_span(connection, channel, span)
        return make_bill(metering_point, (first, last), held, self._chain(channel, span, reads), channel)

    def missing(self, start: datetime, end: datetime, points: Sequence[int] | None = None) -> list[Gap]:
        """Every interval without energy in the period, as gaps, by point and channel."""
        wanted = [point.id for point in self._registry.points()] if points is None else list(points)
        places: dict[int, list[Place]] = {}
        for hung in self._registry.installations_of_points(wanted):
            places.setdefault(hung.metering_point, []).append(place_of(hung))
        channels = homes(self._registry.channels_of_points(wanted)).values()
        found: list[Gap] = []
        first, last = seconds(start), seconds(end)
        with self._store.reading() as connection:
            lacks = incomplete(connection, wanted, first, last)
            for channel in sorted(channels, key=lambda channel: (channel.metering_point, channel.number)):
                if lacks(channel):
                    found += gaps(connection, channel, places.get(channel.metering_point, []), first, last)
        return found

    def holes(self, meter: int, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """From when to when snapshots of `meter` are lacking on any of its channels: what to read again."""
        found: list[tuple[int, int]] = []
        with self._store.reading() as connection:
            for place in map(place_of, self._registry.installations(meter)):
                for channel in self._block_channels(place.metering_point):
                    found += holes(connection, channel, [place], seconds(start), seconds(end))
        return [(utc(first), utc(last)) for first, last in joined(found)]

    def kpis(self, days: int = 7) -> list[Kpis]:
        """The figures of the last closed days, as `close.close.kpis`."""
        with self._store.reading() as connection:
            return kpis(connection, days)

    # Looking up

    def _intake(self, connection: Connection, readings: Sequence[ProfileReading | RegisterReading]) -> Intake:
        self._directory.learn([reading.meter for reading in readings])
        return Intake(connection, self._directory)

    def _span(self, channel: Channel, start: int, end: int) -> Span:
        with self._store.reading() as connection:
            return read_span(connection, channel.metering_point, channel, start, end)

    def _chain(self, channel: Channel, span: Span, reads: Sequence[stamped.StampedRegister]) -> Chain:
        places = places_by_meter(self._registry.installations_of_point(channel.metering_point))
        ratios = ratios_of(self._registry, [channel]).get((channel.metering_point, str(channel.obis)), UNCHANGED)
        return chain_of(span, reads, places, channel.modulus, ratios)

    def _last_register(self, channel: Channel, before: int) -> int:
        """The stamp of the last register at or before `before`; `before` itself if there is none."""
        point, table = channel.metering_point, interval_block.c
        earlier = (
            select(table.day)
            .distinct()
            .where(table.metering_point == point, table.channel == channel.number, table.day <= before // DAY_S)
        )
        with self._store.reading() as connection:
            known = stamped.last_before(connection, point, channel.obis, before)
            for day in connection.execute(earlier.order_by(table.day.desc())).scalars().all():
                if known is not None and known >= (day + 1) * DAY_S:
                    break
                span = read_span(connection, point, channel, day * DAY_S, (day + 1) * DAY_S)
                trusted = span.stamps[span.present & usable(span.status) & (span.stamps <= before)]
                if len(trusted):
                    known = max(int(trusted[-1]), known or 0)
                    break
        return before if known is None else known

    def _block_channels(self, metering_point: int) -> list[Channel]:
        return sorted(homes(self._registry.channels(metering_point)).values(), key=lambda channel: channel.number)

    def _block_channel(self, metering_point: int, obis: ObisCode) -> Channel | None:
        return next((channel for channel in self._block_channels(metering_point) if channel.obis == obis), None)


def _point_of(received: Received, hung: Sequence[Installation]) -> int:
    """The point at which the meter hung when it said this; 0 if at none."""
    at = received.received_at
    return next((one.metering_point for one in hung if one.start <= at and (one.end is None or at < one.end)), 0)


def _of_meters(batch: Sequence[ProfileReading]) -> Sequence[ProfileReading]:
    """The batch without the bit that is ours; nearly always none has it, which one look at all together tells."""
    if not batch or not delivered(np.concatenate([reading.status for reading in batch])).any():
        return batch
    return [replace(reading, status=from_meter(reading.status)) for reading in batch]


def _delivered(reading: ProfileReading) -> ProfileReading:
    return replace(
        reading, status=np.uint8(DELIVERED) | (reading.status.astype(np.uint8) << np.uint8(DELIVERED_QUALITY))
    )
