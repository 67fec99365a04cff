"""Packed rows against the general way; and whatever a client sends, a logical device answers with bytes or a result."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_bench import DAY_S, START, Client, make_meter
from mutation import mutate
from openami.field.meter import codes
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.association_ln import AssociationLN
from openami.protocols.dlms.cosem.logical_device import CURRENT_ASSOCIATION
from openami.protocols.dlms.cosem.packed_buffer import PackedBuffer, PackedLayout, Stamp
from openami.protocols.dlms.data import Data, DataType, decode_data, encode_data, octet_string
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
    """A meter with some history, asked mutated things by management."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(seed)
        self.meter = make_meter(profile_entries=64)
        self.meter.advance(START + DAY_S)
        self.client = Client(1)

    def ask(self, data: bytes) -> None:
        """One GET with a selection, one SET and one ACTION made of `data`."""
        now = self.meter.now
        access = SelectiveAccess(self.choice.choice((1, 2, 2, 1, 0, 3)), data)
        profile = self.choice.choice((codes.LOAD_PROFILE, codes.DAILY_BILLING, codes.EVENT_LOG))
        answer = self.meter.get(self.client, CosemAttributeDescriptor(7, profile, 2), access, now)
        assert isinstance(answer, bytes | DataAccessResult)
        item = self.choice.choice(list(self.meter.device))
        number = self.choice.randint(-1, 10)
        attribute = CosemAttributeDescriptor(item.class_id, item.logical_name, number)
        assert isinstance(self.meter.set(self.client, attribute, None, data, now), DataAccessResult)
        method = CosemMethodDescriptor(item.class_id, item.logical_name, number)
        result, returned = self.meter.action(self.client, method, data, now)
        assert isinstance(result, ActionResult)
        assert returned is None or isinstance(returned, bytes)


def seeds() -> list[bytes]:
    stamps = [octet_string(bytes(CosemDateTime.from_utc(START + hours * 3600))) for hours in (1, 9)]
    selections = [
        RangeDescriptor(codes.LOAD_PROFILE_COLUMNS[0], *stamps),
        RangeDescriptor(codes.LOAD_PROFILE_COLUMNS[0], *stamps, codes.LOAD_PROFILE_COLUMNS[1:3]),
        EntryDescriptor(1, 9),
        EntryDescriptor(2, 0, 2, 3),
    ]
    values = [encode_data(stamps[0]), *(bytes.fromhex(text) for text in ("0f00", "1000ff", "0600000384", "1604"))]
    return [*(encode_data(selection.to_data()) for selection in selections), *values]


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_requests_are_answered(seed: int) -> None:
    requests, texts = Requests(seed), seeds()
    for _ in range(INPUTS // 2):
        requests.ask(mutate(requests.choice, texts))
    association = CosemAttributeDescriptor(15, CURRENT_ASSOCIATION, AssociationLN.object_list.attribute_id)
    assert isinstance(requests.meter.get(requests.client, association, None, requests.meter.now), bytes)
