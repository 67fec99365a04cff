"""Ask the store of an installation: consumption by local day, with what is missing.

Usage: consumption.py openami.toml POINT FROM TO   (days as 2026-01-31, in the point's own zone)
"""

import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from openami.app.installation import Installation
from openami.backoffice.mdm import Mdm, Period
from openami.backoffice.registry import Registry

file, code, *days = sys.argv[1:]
store = Installation.load(Path(file)).open_store()
registry = Registry(store)
point = registry.point_by_code(code)
if point is None:
    sys.exit(f"there is no metering point {code}")
zone = ZoneInfo(point.zone)
start, end = (datetime.fromisoformat(day).replace(tzinfo=zone) for day in days)
for day in Mdm(store, registry).consumption(point.id, start, end, Period.DAY):
    print(
        day.start.astimezone(zone).date(), day.energy_wh, "Wh,", day.missing, "of", day.intervals, "intervals missing"
    )
store.close()
