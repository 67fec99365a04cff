"""The registry: metering points, meters, channels and people, looked up by all other rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, Table, func, insert, select, update

from openami.backoffice.registry import tables
from openami.backoffice.registry.checks import check_channel, check_zone
from openami.backoffice.registry.facts import Fact, FactKind, facts, record
from openami.backoffice.registry.history import History
from openami.backoffice.registry.rows import (
    channel_of,
    consumer_of,
    installation_of,
    meter_of,
    point_of,
    row_of_channel,
    supply_of,
)
from openami.io.store.among import among
from openami.io.store.columns import EPOCH
from openami.io.store.engine import Store
from openami.model.errors import Conflict, SettingError, StoreError
from openami.model.obis import ObisCode
from openami.model.point import BEHIND_METER, Channel, ChannelKind, Consumer, Installation, Meter, MeteringPoint, Supply
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit

T = TypeVar("T")

INSTALLATIONS = History(
    FactKind.INSTALLATION, tables.installation, (tables.installation.c.metering_point, tables.installation.c.meter)
)
SUPPLIES = History(FactKind.SUPPLY, tables.supply, (tables.supply.c.metering_point,))


class NotRegistered(StoreError, LookupError):
    """The registry knows nothing under this id."""


class Registry:
    """Metering points, meters, channels, consumers, and their history, in `store`.

    What is not there is a `NotRegistered` by id and `None` by any other key. What is there already, or overlaps, is a
    `Conflict`. Every method is one transaction, or part of the caller's (`store.transaction()`).
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def state(self) -> tuple[int, int]:
        """Differs after every change of the registry: what was looked up in one state holds as long as it stays.

        A change that was rolled back counts as two, so that nothing that was seen of it is taken for what came later.
        """
        with self._store.reading() as connection:
            revision = connection.execute(select(tables.registry_revision.c.revision)).scalar_one()
        return int(revision), self._store.rollbacks

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        counter = tables.registry_revision
        with self._store.transaction() as connection:
            connection.execute(update(counter).values(revision=counter.c.revision + 1))
            yield connection

    # Metering points

    def add_point(self, code: str, service_address: str, zone: str, transformer: str | None = None) -> MeteringPoint:
        """A new metering point whose calendar runs in the IANA time zone `zone`."""
        check_zone(zone)
        values = {"code": code, "service_address": service_address, "zone": zone, "transformer": transformer}
        with self._changing() as connection:
            identity = self._insert(tables.metering_point, values, f"metering point {code}")
            first = {"metering_point": identity, "start": EPOCH, "service_address": service_address}
            connection.execute(insert(tables.service_address).values(first))
            record(connection, FactKind.ADDRESS, identity, (EPOCH, None), {"service_address": service_address}, None)
        return self.point(identity)

    def point(self, identity: int) -> MeteringPoint:
        return _found(self._one(select(tables.metering_point).filter_by(id=identity), point_of), "point", identity)

    def point_by_code(self, code: str) -> MeteringPoint | None:
        return self._one(select(tables.metering_point).filter_by(code=code), point_of)

    def points(self) -> list[MeteringPoint]:
        """All metering points, by id."""
        return self._many(select(tables.metering_point).order_by(tables.metering_point.c.id), point_of)

    def point_ids(self) -> list[int]:
        """All metering points, by id, without their particulars."""
        with self._store.reading() as connection:
            query = select(tables.metering_point.c.id).order_by(tables.metering_point.c.id)
            return list(connection.execute(query).scalars())

    def zones(self, metering_points: Sequence[int]) -> dict[int, str]:
        """The time zones of many points at once."""
        table = tables.metering_point.c
        with self._store.reading() as connection:
            query = select(table.id, table.zone).where(among(table.id, metering_points))
            return {row.id: row.zone for row in connection.execute(query).all()}

    def change_address(self, metering_point: int, service_address: str, at: datetime) -> MeteringPoint:
        """From `at` on the point is called by another address; `at` must be later than the last change."""
        addresses, last = tables.service_address, self._addresses(metering_point)[-1]
        if at <= last.start:
            raise Conflict(f"the address of point {metering_point} changed at {last.start}, not before {at}")
        values = {"metering_point": metering_point, "start": at, "service_address": service_address}
        with self._changing() as connection:
            connection.execute(insert(addresses).values(values))
            current = update(tables.metering_point).filter_by(id=metering_point)
            connection.execute(current.values(service_address=service_address))
            told = {"service_address": service_address}
            record(connection, FactKind.ADDRESS, metering_point, (at, None), told, None)
        return self.point(metering_point)

    def address_at(self, metering_point: int, at: datetime) -> str:
        """The point's service address as it was at `at`."""
        return str([row.service_address for row in self._addresses(metering_point) if row.start <= at][-1])

    # Meters

    def add_meter(
        self,
        serial: str,
        system_title: bytes,
        guarantee: GuaranteeClass,
        link: str | None,
        framing: str = "wrapper",
        curve: str = "",
    ) -> Meter:
        """A new device; serial number and system title are unique."""
        values = {
            "serial": serial,
            "system_title": system_title,
            "guarantee": int(guarantee),
            "link": link,
            "framing": framing,
            "curve": curve,
        }
        return self.meter(self._insert(tables.meter, values, f"meter {serial} (system title {system_title.hex()})"))

    def meter(self, identity: int) -> Meter:
        return _found(self._one(select(tables.meter).filter_by(id=identity), meter_of), "meter", identity)

    def meter_by_serial(self, serial: str) -> Meter | None:
        return self._one(select(tables.meter).filter_by(serial=serial), meter_of)

    def meter_by_system_title(self, system_title: bytes) -> Meter | None:
        return self._one(select(tables.meter).filter_by(system_title=system_title), meter_of)

    def meters_by_system_titles(self, system_titles: Sequence[bytes]) -> dict[bytes, Meter]:
        """Those of these meters that are known."""
        query = select(tables.meter).where(tables.meter.c.system_title.in_(system_titles))
        return {meter.system_title: meter for meter in self._many(query, meter_of)}

    def meters(self) -> list[Meter]:
        """All meters, by id."""
        return self._many(select(tables.meter).order_by(tables.meter.c.id), meter_of)

    def shared_links(self) -> list[str]:
        """Links behind which more than one meter is reached: collectors and gateways."""
        table = tables.meter.c
        with self._store.reading() as connection:
            query = select(table.link).where(table.link.is_not(None)).group_by(table.link).having(func.count() > 1)
            return list(connection.execute(query.order_by(table.link)).scalars())

    def masters(self) -> frozenset[str]:
        """The links of those meters that are on the M-Bus of others (`behind_meter`), each once."""
        table = tables.meter.c
        with self._store.reading() as connection:
            query = select(table.link).where(table.link.startswith(BEHIND_METER)).distinct()
            return frozenset(connection.execute(query).scalars())

    def change_link(self, meter: int, link: str | None) -> Meter:
        """The head-end dials the meter at `link` from now on."""
        with self._changing() as connection:
            connection.execute(update(tables.meter).filter_by(id=meter).values(link=link))
        return self.meter(meter)

    # Channels

    def add_channel(
        self,
        metering_point: int,
        number: int,
        obis: ObisCode,
        kind: ChannelKind,
        unit: Unit,
        scaler: int,
        resolution_s: int,
        modulus: int = 0,
        multiplier: int = 1,
    ) -> Channel:
        """A quantity of the point. `resolution_s` divides a day; it is 0 for stamped registers and only for them. All
        channels of one OBIS code have the same `multiplier`.
        """
        new = Channel(metering_point, number, obis, kind, unit, scaler, resolution_s, modulus, multiplier)
        check_channel(new)
        same = [each for each in self.channels(metering_point) if each.obis == obis]
        if any(each.multiplier != multiplier for each in same):
            raise SettingError(f"channel {number}: the multiplier {multiplier} is not that of all channels of {obis}")
        self._insert(tables.channel, row_of_channel(new), f"channel {number} of metering point {metering_point}")
        return new

    def channel(self, metering_point: int, number: int) -> Channel:
        query = select(tables.channel).filter_by(metering_point=metering_point, number=number)
        return _found(self._one(query, channel_of), f"point {metering_point}, channel", number)

    def channels(self, metering_point: int) -> list[Channel]:
        """The point's channels, by number."""
        return self.channels_of_points([metering_point])

    def channels_of_points(self, metering_points: Sequence[int]) -> list[Channel]:
        """The channels of many points at once, by point and number."""
        table = tables.channel
        return self._bulk(table, table.c.metering_point, metering_points, (table.c.number,), channel_of)

    def facts(self, kind: FactKind, metering_points: Sequence[int]) -> list[Fact]:
        """What is known now of these points, by point and time."""
        with self._store.reading() as connection:
            return facts(connection, kind, metering_points)

    # Installations: which meter measured which point

    def install(self, meter: int, metering_point: int, at: datetime) -> Installation:
        """`meter` measures `metering_point` from `at` on. `Conflict` if either is taken then or later."""
        with self._changing() as connection:
            INSTALLATIONS.begin(connection, at, meter=meter, metering_point=metering_point)
        return Installation(meter, metering_point, at, None)

    def remove(self, meter: int, at: datetime) -> Installation:
        """`meter` no longer measures anything from `at` on."""
        with self._changing() as connection:
            INSTALLATIONS.finish(connection, at, meter=meter)
        return self.installations(meter)[-1]

    def exchange(self, old: int, new: int, at: datetime) -> Installation:
        """At `at` meter `new` takes the place of meter `old`, in one transaction."""
        with self._store.transaction():
            return self.install(new, self.remove(old, at).metering_point, at)

    def installation_at(self, meter: int, at: datetime) -> Installation | None:
        with self._store.reading() as connection:
            row = INSTALLATIONS.at(connection, at, meter=meter)
        return None if row is None else installation_of(row)

    def installations(self, meter: int) -> list[Installation]:
        """Where the meter hung, in order of time."""
        return sorted(self.installations_of_meters([meter]), key=lambda installation: installation.start)

    def installations_of_point(self, metering_point: int) -> list[Installation]:
        """Which meters measured the point, in order of time."""
        with self._store.reading() as connection:
            return [installation_of(row) for row in INSTALLATIONS.all(connection, metering_point=metering_point)]

    def installations_of_points(self, metering_points: Sequence[int]) -> list[Installation]:
        """The installations of many points at once, by point and time."""
        table = tables.installation
        return self._bulk(table, table.c.metering_point, metering_points, (table.c.start,), installation_of)

    def installations_of_meters(self, meters: Sequence[int]) -> list[Installation]:
        """The installations of many meters at once, by meter and time."""
        table = tables.installation
        return self._bulk(table, table.c.meter, meters, (table.c.start,), installation_of)

    # People

    def add_consumer(self, name: str) -> Consumer:
        return self.consumer(self._insert(tables.consumer, {"name": name}, f"consumer {name}"))

    def rename_consumer(self, identity: int, name: str) -> Consumer:
        """The person has this name from now on; the former one is not kept."""
        with self._changing() as connection:
            connection.execute(update(tables.consumer).filter_by(id=identity).values(name=name))
        return self.consumer(identity)

    def consumer(self, identity: int) -> Consumer:
        return _found(self._one(select(tables.consumer).filter_by(id=identity), consumer_of), "consumer", identity)

    def consumers(self) -> list[Consumer]:
        """All consumers, by id."""
        return self._many(select(tables.consumer).order_by(tables.consumer.c.id), consumer_of)

    def supply(self, consumer: int, metering_point: int, start: datetime) -> Supply:
        """`consumer` is supplied at `metering_point` from `start` on. `Conflict` if somebody else is then or later."""
        with self._changing() as connection:
            SUPPLIES.begin(connection, start, consumer=consumer, metering_point=metering_point)
        return Supply(consumer, metering_point, start, None)

    def end_supply(self, metering_point: int, end: datetime) -> Supply:
        """Whoever is supplied at `metering_point` moves out at `end`."""
        with self._changing() as connection:
            SUPPLIES.finish(connection, end, metering_point=metering_point)
        return self.supplies_of_point(metering_point)[-1]

    def supply_at(self, metering_point: int, at: datetime) -> Supply | None:
        with self._store.reading() as connection:
            row = SUPPLIES.at(connection, at, metering_point=metering_point)
        return None if row is None else supply_of(row)

    def supplies_of_point(self, metering_point: int) -> list[Supply]:
        """Who was supplied at the point, in order of time."""
        with self._store.reading() as connection:
            return [supply_of(row) for row in SUPPLIES.all(connection, metering_point=metering_point)]

    def supplies_of_consumer(self, consumer: int) -> list[Supply]:
        """Where the consumer was and is supplied, by point and time."""
        with self._store.reading() as connection:
            return [supply_of(row) for row in SUPPLIES.all(connection, consumer=consumer)]

    # Queries

    def _insert(self, table: Table, values: dict[str, Any], what: str) -> int:
        try:
            with self._changing() as connection:
                return int((connection.execute(insert(table).values(values)).inserted_primary_key or (0,))[0])
        except Conflict as error:
            raise Conflict(f"{what} is already there, or joins something that is not") from error

    def _one(self, query: Select[Any], build: Callable[[Row[Any]], T]) -> T | None:
        with self._store.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else build(row)

    def _many(self, query: Select[Any], build: Callable[[Row[Any]], T]) -> list[T]:
        with self._store.reading() as connection:
            return [build(row) for row in connection.execute(query).all()]

    def _bulk(
        self, table: Table, column: Any, keys: Sequence[int], order: tuple[Any, ...], build: Callable[[Row[Any]], T]
    ) -> list[T]:
        return self._many(select(table).where(among(column, keys)).order_by(column, *order), build)

    def _addresses(self, metering_point: int) -> Sequence[Row[Any]]:
        table = tables.service_address
        with self._store.reading() as connection:
            query = select(table).filter_by(metering_point=metering_point).order_by(table.c.start)
            return _found(connection.execute(query).all() or None, "point", metering_point)


def _found(value: T | None, what: str, identity: int) -> T:
    if value is None:
        raise NotRegistered(f"{what} {identity} is not in the registry")
    return value
