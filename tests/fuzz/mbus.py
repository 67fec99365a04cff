"""Wired M-Bus frames and records. The messages are our own."""

from __future__ import annotations

from datetime import date, datetime

from fuzz_targets import fuzz_target
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wired_settings import WiredSettings
from openami.model.errors import DecodeError
from openami.protocols.mbus.application import Content, decode_application
from openami.protocols.mbus.encode import date_record, date_time_record
from openami.protocols.mbus.layout import RecordLayout, compile_layout
from openami.protocols.mbus.measurements import of_application
from openami.protocols.mbus.records import decode_headers, decode_records, walk_records
from openami.protocols.mbus.telegram import decode_wired
from openami.protocols.mbus.wired.frame import PRIMARY_MAX, LongFrame, encode_frame
from openami.protocols.mbus.wired.parser import Garbage, WiredParser
from openami.protocols.mbus.wired.secondary import WiredSecondary
from openami.protocols.mbus.wired.selection import decode_selection

RECORDS = [
    bytes.fromhex(text)
    for text in (
        "0413c4090000 426cbf15 046d190f8a17",
        "8c100601000000 85005b2b4bac41 1f0102",
        "02fc0348522574d411 0d7c025750f0000102030405060708090a0b0c0d0e0f",
        "04be5071bbb000 0dfd11053132333435 0e78563412000000",
        "2f2f 04fd4001020304 04fb0d01000000 01ff130a 7f 0f",
        "8480808080808080808001 1301000000",
    )
]
HEADER = bytes.fromhex("78563412ad3d010755000000")
FRAMES = [
    *(encode_frame(LongFrame(0x08, 1, 0x72, HEADER + records)) for records in RECORDS),
    encode_frame(LongFrame(0x08, 1, 0x73, bytes.fromhex("78563412 0a00 e97e 01000000 35010000"))),
    encode_frame(LongFrame(0x53, 0xFD, 0x52, bytes.fromhex("78563412ffffffff"))),
    bytes.fromhex("e5 107b017c16 e5"),
]

CONVERT = RecordLayout._fields.index("convert")
"""Functions that do the same are not equal: what stands before is compared."""


@fuzz_target("mbus-records", RECORDS)
def records(data: bytes) -> None:
    """Records lie one behind the other; whatever was forgotten between, a header means the same again."""
    decoded = decode_records(data)
    at = 0
    for record in decoded:
        assert at <= record.start < record.end <= len(data)
        assert record.layout[:CONVERT] == compile_layout(record.layout.header)[:CONVERT]
        at = record.end
    assert [layout.header for layout in decode_headers(decoded.headers)] == [each.layout.header for each in decoded]


@fuzz_target("mbus-plan", RECORDS)
def plan(data: bytes) -> None:
    """What was learned from telegrams before changes nothing: the walk from record to record is the oracle."""
    walked = walk_records(data)
    for _ in range(2):
        assert decode_records(data) == walked


@fuzz_target("mbus-frame", FRAMES)
def frame(data: bytes) -> None:
    """Whatever `openami decode` shows of it can be shown."""
    decode_wired(data).plain()


@fuzz_target("mbus-stream", FRAMES)
def stream(data: bytes) -> None:
    """No byte is lost, whatever the cut; applications and selections decode or say why not."""
    parser = WiredParser()
    middle = len(data) // 2
    events = [*parser.feed(data[:middle]), *parser.feed(data[middle:]), *parser.flush()]
    assert b"".join(each.data if isinstance(each, Garbage) else encode_frame(each) for each in events) == data
    for each in events:
        if isinstance(each, LongFrame):
            _application(each)


def _application(each: LongFrame) -> None:
    try:
        if each.ci == 0x52:
            decode_selection(each.data)
        for value in of_application(decode_application(each.ci, each.data)):
            value.plain()
    except DecodeError:
        return


METER = PipeMeter(PipeMeterConfig(PipeKind.WATER, "12345678", 5), DailyFlow(1_767_225_600))
SENT = [
    b"\x50\x10",
    b"\x54",
    b"\x66\x10",
    *(b"\x51" + bytes.fromhex(text) for text in ("017a07", "0c7921436587", "07797856342100000102", "08134813", "7f")),
    b"\x51" + date_time_record(datetime(2026, 5, 3, 8, 30)) + date_record(date(2026, 4, 30), 1),
]


@fuzz_target("mbus-settings", SENT, inputs=20_000)
def settings(data: bytes) -> None:
    """A meter that is sent anything answers with its data or with an error, under an address that it can have."""
    core = WiredSecondary(5, METER.address)
    told = WiredSettings(METER, core)
    told.receive(data[0] if data else 0x50, data[1:], 1_770_000_000.0)
    ((ci, answer),) = told.answer(1_770_000_000.0, alarm=False) or [(0x70, b"")]
    assert decode_application(ci, answer).content in {Content.RECORDS, Content.ERROR, Content.SELECTED_APPLICATION}
    assert 0 <= core.address <= PRIMARY_MAX
