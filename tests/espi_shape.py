"""The shape of the ESPI resources that we write: their children in order, which must be there, and what each may hold.

Names, order and bounds are those of NAESB's published `espi.xsd` (version 4.0.20231213), of which only what is used
here is said; the file itself is not ours to ship. Where it is at hand, tests validate by it as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"


def _whole(low: int, high: int):
    return lambda text: re.fullmatch(r"-?\d+", text) is not None and low <= int(text) <= high


UINT16, UINT32, INT16 = _whole(0, 2**16 - 1), _whole(0, 2**32 - 1), _whole(-(2**15), 2**15 - 1)
INT48, TIME = _whole(-(2**47), 2**47), _whole(-(2**63), 2**63 - 1)
RULE, TEXT = re.compile(r"[0-9A-F]{8}").fullmatch, re.compile(r".{1,256}").fullmatch
POWER_OF_TEN, FLAG = _whole(-12, 9), _whole(0, 255)
QUALITY = re.compile(r"0|[7-9]|1[0-9]").fullmatch

INTERVAL = [("duration", True, UINT32), ("start", True, TIME)]
MEASURED = [
    ("powerOfTenMultiplier", False, POWER_OF_TEN), ("timeStamp", False, TIME), ("uom", False, UINT16),
    ("value", False, INT48),
]  # fmt: skip
SHAPES = {
    "UsagePoint": [("ServiceCategory", False, [("kind", True, UINT16)]), ("status", False, FLAG)],
    "LocalTimeParameters": [
        ("dstEndRule", True, RULE), ("dstOffset", True, TIME), ("dstStartRule", True, RULE), ("tzOffset", True, TIME),
    ],
    "MeterReading": [],
    "ReadingType": [
        ("accumulationBehaviour", False, UINT16), ("commodity", False, UINT16), ("dataQualifier", False, UINT16),
        ("flowDirection", False, UINT16), ("intervalLength", False, UINT32), ("kind", False, UINT16),
        ("powerOfTenMultiplier", False, POWER_OF_TEN), ("timeAttribute", False, UINT16), ("tou", False, INT16),
        ("uom", False, UINT16), ("measuringPeriod", False, UINT16),
    ],
    "IntervalBlock": [
        ("interval", False, INTERVAL),
        ("IntervalReading", False, [
            ("ReadingQuality", False, [("quality", True, QUALITY)]), ("timePeriod", False, INTERVAL),
            ("value", False, INT48),
        ]),
    ],
    "UsageSummary": [
        ("billingPeriod", False, INTERVAL), ("overallConsumptionLastPeriod", False, MEASURED),
        ("peakDemand", False, MEASURED), ("qualityOfReading", False, QUALITY), ("statusTimeStamp", True, TIME),
        ("commodity", False, UINT16), ("tariffProfile", False, TEXT),
    ],
}  # fmt: skip
SEVERAL = frozenset(("IntervalReading", "ReadingQuality"))


def misshapen(feed: str) -> Iterator[str]:
    """What of a feed's resources has not the published shape."""
    for content in ET.fromstring(feed).iter(f"{ATOM}content"):
        (resource,) = content
        name = resource.tag.removeprefix(ESPI)
        if name not in SHAPES:
            yield f"{name} is no resource"
        else:
            yield from _wrong(name, resource, SHAPES[name])


def _wrong(where: str, element: ET.Element, shape) -> Iterator[str]:
    if callable(shape):
        if len(element) or not shape(element.text or ""):
            yield f"{where} holds {element.text!r}"
        return
    names = [name for name, _, _ in shape]
    last, seen = -1, []
    for child in element:
        name = child.tag.removeprefix(ESPI)
        if name not in names or names.index(name) < last or (name in seen and name not in SEVERAL):
            yield f"{where}: {name} is not there, or not in this place"
            continue
        last = names.index(name)
        seen.append(name)
        yield from _wrong(f"{where}/{name}", child, shape[last][2])
    yield from (f"{where}: {name} is lacking" for name, needed, _ in shape if needed and name not in seen)
