"""The back office of a simulated district: registry, pushes, metering data, on a store whose crash is a rollback."""

from __future__ import annotations

from datetime import UTC, datetime

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.push_opening import PushOpening
from openami.backoffice.operations.push_store import PushState, PushStore
from openami.backoffice.registry.registry import Registry
from openami.field.meter.codes import EXPORT, IMPORT
from openami.field.meter.electricity import ElectricityMeter
from openami.io.keystore.meter_keys import MeterKeys, NoKeys
from openami.io.spool.spool import Spool
from openami.io.store.engine import Store
from openami.model.interval import utc
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import RegisterReading
from openami.model.unit import Unit
from openami.protocols.zones.message import SpoolItem, SpoolItems

AT_ONCE = 500
CHANNELS = (IMPORT, EXPORT)


class Office:
    """Takes what the spool holds and stores it. `restart` forgets everything that was not committed."""

    def __init__(self) -> None:
        self._store = Store("sqlite://")
        self._store.upgrade()
        self._keys: dict[bytes, MeterKeys] = {}
        self.points: dict[bytes, int] = {}
        """Metering points by system title."""
        self.restart()

    def restart(self) -> None:
        """A new process on the same store."""
        self.registry = Registry(self._store)
        self.mdm = Mdm(self._store, self.registry)
        self._pushes = PushStore(self._store)
        notes = Notes(self._store)
        self._opening = PushOpening(self._store, self._pushes, notes, self.registry, self.mdm, self._find_keys)

    def register(self, meters: list[ElectricityMeter], start: float) -> None:
        """Enter meters with their points and channels, installed at `start` with the registers that they show then."""
        with self._store.transaction():
            for meter in meters:
                self._register(meter, start)

    def pull(self, spool: Spool, now: float, *, crash: bool = False) -> int:
        """Take what waits in the spool, release it, open it; how many items there were.

        With `crash` the process dies after it has taken them and before it could say so.
        """
        taken = 0
        while items := spool.read(self._pushes.position(spool.identity), AT_ONCE):
            batch = [SpoolItem(item.number, item.content) for item in items]
            through = self._pushes.take(SpoolItems(spool.identity, batch))
            taken += len(items)
            if crash:
                self.restart()
                break
            spool.release(through)
        while self._opening.open_waiting(AT_ONCE, utc(int(now))):
            pass
        return taken

    def states(self) -> dict[PushState, int]:
        """How many pushes came to what."""
        return self._pushes.counts()

    def close(self) -> None:
        self._store.close()

    def _register(self, meter: ElectricityMeter, start: float) -> None:
        registry, config = self.registry, meter.config
        since = datetime.fromtimestamp(start, UTC)
        point = registry.add_point(f"P-{config.serial}", config.serial, "Europe/London")
        record = registry.add_meter(config.serial, config.system_title, GuaranteeClass.SHARED_KEYS, "", "wrapper", "")
        for number, obis in enumerate(CHANNELS, start=1):
            kind = ChannelKind.INTERVAL_ENERGY
            registry.add_channel(point.id, number, obis, kind, Unit.WATT_HOUR, 0, config.capture_period_s)
        registry.install(record.id, point.id, since)
        evidence = self.mdm.keep_evidence(record.id, since, "installation", (), b"", "opening reads")
        opening = zip(CHANNELS, (meter.energy.import_wh, meter.energy.export_wh), strict=True)
        self.mdm.take_register(
            [RegisterReading(record.id, obis, since, value, since, evidence) for obis, value in opening]
        )
        keys = config.keys
        title = config.system_title
        self._keys[title] = MeterKeys(keys.global_unicast_encryption_key, keys.authentication_key)
        self.points[title] = point.id

    def _find_keys(self, system_title: bytes) -> MeterKeys:
        keys = self._keys.get(system_title)
        if keys is None:
            raise NoKeys(f"no keys for system title {system_title.hex()}")
        return keys
