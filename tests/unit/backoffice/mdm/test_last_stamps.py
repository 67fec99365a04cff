"""Last stamps of many channels at once are those of each alone."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit
from stores import in_memory

IMPORT = ObisCode(1, 0, 1, 8, 0)
START = 1_717_200_000
KNOWN = datetime(2024, 7, 1, tzinfo=UTC)


def test_many_at_once_are_as_each_alone():
    store = in_memory()
    registry = Registry(store)
    mdm = Mdm(store, registry)
    channels = []
    for number, intervals in enumerate((1, 95, 96, 97, 500, 0)):
        point = registry.add_point(f"P{number}", "1 Alder Row", "Europe/London").id
        channels.append(registry.add_channel(point, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900))
        channels.append(registry.add_channel(point, 2, IMPORT, ChannelKind.REGISTER_SNAPSHOT, Unit.WATT_HOUR, 0, 900))
        registry.add_channel(point, 3, IMPORT, ChannelKind.STAMPED_REGISTER, Unit.WATT_HOUR, 0, 0)
        meter = registry.add_meter(f"M{number}", bytes([number] * 8), GuaranteeClass.SHARED_KEYS, None).id
        registry.install(meter, point, datetime(2024, 1, 1, tzinfo=UTC))
        stamps = START + 900 * np.arange(1, intervals + 1, dtype=np.int64)
        status = np.zeros(intervals, np.uint8)
        if intervals:
            mdm.take_profile([ProfileReading(meter, IMPORT, 900, stamps, np.arange(intervals), status, KNOWN, 1)])
    alone = {(each.metering_point, each.number): mdm.last_stamp(each.metering_point, each.number) for each in channels}
    found = mdm.last_stamps(channels)
    assert found == {place: last for place, last in alone.items() if last}
    assert len(found) == 10
    assert mdm.last_stamps([]) == {}
    store.close()
