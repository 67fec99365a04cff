"""Files of other parties, and registry files. They are our own.

A reader of such a file never fails: it tells what it found, and rejects the rest by line.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from fuzz_targets import fuzz_target
from openami.backoffice.mdm.master_data.lines import Rejected as RejectedLine
from openami.backoffice.mdm.master_data.lines import read_lines
from openami.model.errors import SettingError
from openami.protocols.exchange.cim_events import EventRecord, parse_cim_events, write_events
from openami.protocols.exchange.cim_readings import parse_cim_readings
from openami.protocols.exchange.csv_readings import parse_csv
from openami.protocols.exchange.delivery import Delivery, Rejected
from openami.protocols.exchange.nem12 import parse_nem12

CREATED = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = ",".join(["0.1"] * 24)
NEM12 = [
    f"100,NEM12,202602210000,A,B\r\n200,P1,E1,E1,E1,N1,M1,kWh,60,\r\n300,20260220,{HOURS},{rest}900\r\n".encode()
    for rest in ("A,,,20260221000000,\r\n", "V,,,20260221000000,\r\n400,1,4,A,,\r\n400,5,24,S14,,\r\n500,O,,,\r\n")
]
CSV = [
    (
        b"metering_point,obis,kind,start,end,value,scaler,unit,quality\n"
        b"P1,1-0:1.8.0*255,interval-energy,2026-02-20T00:00:00Z,2026-02-20T00:15:00Z,120,0,Wh,measured\n"
        b"P1,1-0:1.8.0*255,interval-energy,2026-02-20T01:15:00+01:00,2026-02-20T01:30:00+01:00,0.13,-3,kWh,estimated\n"
    ),
    b'\xef\xbb\xbfmetering_point,obis,end,kind,value\r\n"P1",1-0:1.8.0,2026-02-20T00:00:00Z,register-snapshot,5\r\n',
]
CIM = [
    (
        b'<?xml version="1.0"?><MeterReadings xmlns="http://iec.ch/TC57/2011/MeterReadings#"><MeterReading>'
        b"<IntervalBlocks><IntervalReadings><timeStamp>2026-02-20T00:15:00Z</timeStamp><value>0.25</value>"
        b'<ReadingQualities><ReadingQualityType ref="3.8.0"/></ReadingQualities></IntervalReadings>'
        b'<ReadingType ref="0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"/></IntervalBlocks><Readings>'
        b'<timeStamp>2026-02-20T00:00:00Z</timeStamp><value>7</value><ReadingType ref="0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.'
        b'3.72.0"/></Readings><Meter><mRID>M1</mRID></Meter></MeterReading></MeterReadings>'
    ),
]
EVENTS = [
    (
        b'<?xml version="1.0"?><EndDeviceEvents xmlns="http://iec.ch/TC57/2011/EndDeviceEvents#"><EndDeviceEvent>'
        b"<createdDateTime>2026-02-20T00:15:00Z</createdDateTime><reason>cover</reason><Assets><mRID>M1</mRID></Assets>"
        b'<EndDeviceEventType ref="3.12.141.212"/></EndDeviceEvent></EndDeviceEvents>'
    ),
]
REGISTRY = [
    (
        b"record,point,address,zone,meter,start,opening\npoint,P1,1 High Street,Europe/Berlin,,,\n"
        b"installation,P1,,,M1,2026-01-01T00:00+01:00,1-0:1.8.0*255=0 1-0:2.8.0=12\n"
    ),
    (
        b"record,point,channel,obis,kind,unit,scaler,multiplier,resolution_s,digits\n"
        b"channel,P1,1,1-0:1.8.0*255,interval-energy,Wh,-1,100,900,8\n"
    ),
    (
        b"record,point,obis,scaler,multiplier,checks,start,end,opening,correction\n"
        b"ratio,P1,1-0:1.8.0*255,0,40.0,,2026-02-10T10:15+01:00,,1-0:1.8.0*255=1103,yes\n"
        b"check,P1,1-0:1.8.0*255,,,K1=1-0:1.8.0*255 K2=1-0:1.8.0,2026-01-01T00:00+01:00,2026-03-01T00:00+01:00,,\n"
    ),
]
Item = Delivery | EventRecord | Rejected


def told(parse: Callable[[Iterable[bytes]], Iterator[Item]], octets: bytes) -> list[Item]:
    """What a file says: whole, or in two pieces, it says the same, and of every value who it is of."""
    items = list(parse([octets]))
    cut = len(octets) // 2
    assert list(parse([octets[:cut], octets[cut:]])) == items
    for item in items:
        assert isinstance(item, Rejected) or item.line > 0
        if isinstance(item, Delivery):
            assert item.point or item.meter
            assert len(item.stamps) == len(item.values) == len(item.qualities) > 0
    return items


@fuzz_target("nem12-file", seeds=NEM12, inputs=40_000)
def nem12(octets: bytes) -> None:
    told(parse_nem12, octets)


@fuzz_target("csv-file", seeds=CSV, inputs=40_000)
def csv(octets: bytes) -> None:
    told(parse_csv, octets)


@fuzz_target("cim-file", seeds=CIM, inputs=40_000)
def cim(octets: bytes) -> None:
    told(parse_cim_readings, octets)


@fuzz_target("cim-events-file", seeds=EVENTS, inputs=40_000)
def events(octets: bytes) -> None:
    """What is read is written as what is read the same."""
    found = [item for item in told(parse_cim_events, octets) if isinstance(item, EventRecord)]
    again = list(parse_cim_events(text.encode() for text in write_events(found, CREATED, "a", "1")))
    names = [(each.meter, each.kind, each.code, each.at, each.text) for each in found]
    if found:
        assert [(each.meter, each.kind, each.code, each.at, each.text) for each in again] == names


@fuzz_target("registry-file", seeds=REGISTRY, inputs=40_000)
def registry(octets: bytes) -> None:
    """Each line is read or rejected; only a file without its header is refused as a whole."""
    text = io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8", newline="")
    with contextlib.suppress(SettingError):
        for line in read_lines(text):
            assert line.line if isinstance(line, RejectedLine) else line.values
