"""Files of users: whatever stands in a profile or a record, it is read or refused with a setting error."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.companion.meter_record import MeterRecord
from openami.protocols.dlms.companion.profile import load_profile
from openami.protocols.dlms.companion.profile_records import records_of
from openami.protocols.dlms.cosem.association_ln import (
    AccessRight,
    AssociationLN,
    AttributeAccessItem,
    MethodAccessItem,
    ObjectListElement,
)
from openami.protocols.dlms.cosem.object_model import ObjectModel
from openami.protocols.dlms.data import encode_data, octet_string
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.obis_names import obis_meaning

octets = st.integers(0, 255)
codes = st.builds(ObisCode, octets, octets, octets, octets, octets, octets)
rights = st.builds(
    AccessRight,
    st.lists(st.builds(AttributeAccessItem, st.integers(-128, 127), octets), max_size=4).map(tuple),
    st.lists(st.builds(MethodAccessItem, st.integers(-128, 127), octets), max_size=4).map(tuple),
)
elements = st.builds(ObjectListElement, st.integers(0, 0xFFFF), octets, codes, rights)
answers = st.dictionaries(
    st.builds(CosemAttributeDescriptor, st.integers(0, 0xFFFF), codes, st.integers(-128, 127)),
    st.one_of(st.binary(max_size=8).map(lambda raw: encode_data(octet_string(raw))), st.sampled_from(DataAccessResult)),
    max_size=6,
)
PLAIN = (resources.files("openami.protocols.dlms.companion") / "profiles" / "plain.toml").read_text(encoding="utf-8")
PIECES = ["[", "]", "{", "}", '"', "=", "\n", "0", "-1", "true", "objects", "[[", "clients", "*255", "1e99", ",", "."]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(elements, max_size=6).map(tuple), answers)
def test_records_come_back_as_they_were(listed: tuple[ObjectListElement, ...], given_answers: dict[Any, Any]) -> None:
    raw = encode_data(AssociationLN.object_list.cosem_type.to_data(listed))
    record = MeterRecord(1, 1, raw, given_answers)
    assert MeterRecord.from_json(record.to_json()) == record


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(elements, max_size=6).map(tuple))
def test_every_object_list_has_a_model(listed: tuple[ObjectListElement, ...]) -> None:
    model = ObjectModel.of(listed)
    assert [one.logical_name for one in model] == [one.logical_name for one in listed]
    for one in model:
        assert one.class_name
        assert {attribute.rights for attribute in one.attributes} <= {"r", "w", "rw", "-"}


@settings(max_examples=500, derandomize=True, deadline=None)
@given(codes)
def test_every_code_means_something_or_nothing(code: ObisCode) -> None:
    meaning = obis_meaning(code)
    assert bool(meaning.name) == bool(meaning.quantity)


def mutated(text: str, chance: random.Random) -> str:
    letters = list(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(letters))
        letters[at : at + chance.randint(0, 6)] = chance.choice(PIECES)
    return "".join(letters)


def _profile(text: str) -> None:
    list(records_of(load_profile(text, "mutated")))


def _record(text: str) -> None:
    MeterRecord.from_json(text).model()


def _own_record() -> str:
    return next(iter(records_of(load_profile(PLAIN, "plain")))).to_json()


@pytest.mark.parametrize(("text", "read"), [(PLAIN, _profile), (_own_record(), _record)], ids=["profile", "record"])
def test_mutated_files_are_read_or_refused(text: str, read: Callable[[str], None]) -> None:
    chance, refused = random.Random(7), 0
    for _ in range(3000):
        try:
            read(mutated(text, chance))
        except SettingError:
            refused += 1
    assert 100 < refused < 3000


def test_nesting_is_refused() -> None:
    with pytest.raises(SettingError):
        MeterRecord.from_json("[" * 100_000)
