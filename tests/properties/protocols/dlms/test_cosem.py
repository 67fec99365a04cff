"""Packed rows against the general way; and whatever a client sends, a logical device answers with bytes or a result."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_bench import DAY_S, START, Client, make_meter
from mutation import mutate
from openami.field.meter import codes
from openami.field.meter.access import MANAGEMENT_RIGHTS
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.association_ln import AssociationLN
from openami.protocols.dlms.cosem.logical_device import CURRENT_ASSOCIATION
from openami.protocols.dlms.cosem.packed_buffer import PackedBuffer, PackedLayout, Stamp
from openami.protocols.dlms.data import Data, DataType, decode_data, double_long_unsigned, encode_data, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.selective_access import EntryDescriptor, RangeDescriptor

SIZES = {
    DataType.UNSIGNED: 8,
    DataType.ENUM: 8,
    DataType.LONG_UNSIGNED: 16,
    DataType.DOUBLE_LONG_UNSIGNED: 32,
    DataType.LONG64_UNSIGNED: 64,
}
INPUTS = 100_000


@st.composite
def packed(draw: st.DrawFn) -> PackedBuffer:
    kinds = draw(st.lists(st.sampled_from(sorted(SIZES)), max_size=4))
    buffer = PackedBuffer(draw(st.integers(1, 20)), PackedLayout(kinds))
    for _ in range(draw(st.integers(0, 25))):
        stamp = Stamp(
            draw(st.integers(0, 2**32 - 1)), draw(st.integers(-720, 840)), draw(st.sampled_from((0, 1, 0x80)))
        )
        buffer.append(stamp, *(draw(st.integers(0, 2 ** SIZES[kind] - 1)) for kind in kinds))
    return buffer


@settings(max_examples=300, derandomize=True)
@given(packed(), st.data())
def test_packed_rows_are_encoded_as_the_general_encoder_does(buffer: PackedBuffer, data: st.DataObject) -> None:
    width = len(buffer.layout.columns) + 1
    rows = data.draw(st.lists(st.integers(0, len(buffer) - 1), max_size=30)) if len(buffer) else []
    columns = data.draw(st.lists(st.integers(0, width - 1), unique=True))
    general = Data(
        DataType.ARRAY,
        tuple(Data(DataType.STRUCTURE, tuple(buffer.row(row)[column] for column in columns)) for row in rows),
    )
    assert buffer.encode(rows, columns) == encode_data(general)
    assert decode_data(buffer.encode(range(len(buffer)), range(width))).type is DataType.ARRAY


class Requests:
    """A meter with some history, asked mutated things by management, where management has rights."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(seed)
        self.meter = make_meter(profile_entries=64, push_rows=4)
        self.meter.advance(START + DAY_S)
        self.client = Client(1)
        self.answers: Counter[str] = Counter()
        self.classes = {item.logical_name: item.class_id for item in self.meter.device}
        rights = MANAGEMENT_RIGHTS.attributes.items()
        self.attributes = [where for where, mode in rights if mode > 1 and where[0] in self.classes]
        self.methods = [where for where in MANAGEMENT_RIGHTS.methods if where[0] in self.classes]

    def data(self, seeds: list[bytes]) -> bytes:
        """Half the time thoroughly mutated, half the time with one octet changed or none."""
        if self.choice.random() < 0.5:
            return mutate(self.choice, seeds)
        octets = bytearray(self.choice.choice(seeds))
        if self.choice.random() < 0.9:
            octets[self.choice.randrange(len(octets))] = self.choice.choice((0, 1, 9, 12, 0x7F, 0x80, 0xFE, 0xFF))
        return bytes(octets)

    def ask(self) -> None:
        """One GET with a selection, one SET and one ACTION."""
        self.meter.advance(self.meter.now + self.choice.choice((0, 0, 60, 901)))
        now, choice = self.meter.now, self.choice
        selector, seeds = choice.choice(((1, RANGES), (2, ENTRIES), (choice.randrange(256), RANGES)))
        name = choice.choice((codes.LOAD_PROFILE, codes.LOAD_PROFILE, codes.DAILY_BILLING, codes.EVENT_LOG))
        access = SelectiveAccess(selector, self.data(seeds))
        answer = self.meter.get(self.client, CosemAttributeDescriptor(7, name, 2), access, now)
        self.count("get", answer if isinstance(answer, DataAccessResult) else decode_data(answer).type)
        name, number = choice.choice(self.attributes)
        descriptor = CosemAttributeDescriptor(self.classes[name], name, number)
        self.count("set", self.meter.set(self.client, descriptor, None, self.data(VALUES), now))
        name, number = choice.choice(self.methods)
        method = CosemMethodDescriptor(self.classes[name], name, number)
        self.count("action", self.meter.action(self.client, method, self.data(VALUES), now)[0])

    def count(self, what: str, answer: DataAccessResult | ActionResult | DataType) -> None:
        self.answers[f"{what} {answer.name}"] += 1


def stamps(*hours: int) -> list[Data]:
    return [octet_string(bytes(CosemDateTime.from_utc(START + hour * 3600))) for hour in hours]


CLOCK_COLUMN, STATUS_COLUMN, IMPORT_COLUMN, _ = codes.LOAD_PROFILE_COLUMNS
RANGES = [
    encode_data(selection.to_data())
    for selection in (
        RangeDescriptor(CLOCK_COLUMN, *stamps(9, 23)),
        RangeDescriptor(CLOCK_COLUMN, *stamps(0, 99), (CLOCK_COLUMN, IMPORT_COLUMN)),
        RangeDescriptor(IMPORT_COLUMN, double_long_unsigned(0), double_long_unsigned(2**31), (STATUS_COLUMN,)),
    )
]
ENTRIES = [encode_data(entries.to_data()) for entries in (EntryDescriptor(1, 9), EntryDescriptor(2, 0, 2, 3))]
VALUES = [
    encode_data(stamps(30)[0]),
    *(bytes.fromhex(text) for text in ("0f00", "1000ff", "0600000384", "1604", "020316000909312e322e333a353016ff")),
]


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_requests_are_answered(seed: int) -> None:
    requests = Requests(seed)
    for _ in range(INPUTS // 2):
        requests.ask()
    reached = {answer for answer, times in requests.answers.items() if times >= 50}
    assert {"get ARRAY", "set SUCCESS", "action SUCCESS", "set TYPE_UNMATCHED", "set OTHER_REASON"} <= reached
    association = CosemAttributeDescriptor(15, CURRENT_ASSOCIATION, AssociationLN.object_list.attribute_id)
    assert isinstance(requests.meter.get(requests.client, association, None, requests.meter.now), bytes)
