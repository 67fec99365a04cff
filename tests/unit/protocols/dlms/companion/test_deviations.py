"""Each kind of deviation, and none where the meter is as the profile says."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.check import deviations
from openami.protocols.dlms.companion.profile import CompanionProfile, load_profile
from openami.protocols.dlms.companion.profile_records import records_of
from openami.protocols.dlms.cosem.association_ln import (
    AccessRight,
    AssociationLN,
    AttributeAccessItem,
    MethodAccessItem,
    ObjectListElement,
)
from openami.protocols.dlms.cosem.object_model import ObjectModel
from openami.protocols.dlms.data import decode_data

ENERGY = ObisCode(1, 0, 1, 8, 0)
PROFILE = """
name = "one"
extra = "{extra}"
[clients.1]
name = "management"
authentication = "hls5"
[[objects]]
logical_name = "1-0:1.8.0*255"
class_id = 3
version = 0
attributes = {{ 2 = "{value}", 3 = "r" }}
methods = {{ 1 = "{method}" }}
[[objects]]
logical_name = "1-0:2.8.0*255"
class_id = 3
optional = {optional}
"""


def said(
    *,
    class_id: int = 3,
    version: int = 0,
    modes: tuple[int, ...] = (1, 1, 1),
    method_mode: int = 1,
    client: int = 1,
    authentication: Authentication = Authentication.HLS5,
    **profile: str,
) -> list[tuple[str, str, str, str]]:
    wanted = {"extra": "allowed", "value": "r", "method": "x", "optional": "true"} | profile
    rights = AccessRight(
        tuple(AttributeAccessItem(number, mode) for number, mode in enumerate(modes, 1)),
        (MethodAccessItem(1, method_mode),),
    )
    model = ObjectModel.of([ObjectListElement(class_id, version, ENERGY, rights)])
    found = deviations(load_profile(PROFILE.format(**wanted), "one"), model, client, authentication)
    return [(str(one.kind), one.member, one.profile, one.meter) for one in found]


def test_a_meter_as_the_profile_says() -> None:
    assert said() == []
    assert said(modes=(1, 4, 1)) == []  # authenticated reading is reading
    assert said(value="r+", modes=(1, 3, 1)) == []
    assert said(value="-", modes=(1, 0, 1)) == []
    assert said(method="-", modes=(1, 1, 1)) == [("access", "method 1 reset", "-", "x")]


def test_objects_classes_and_versions() -> None:
    assert said(optional="false") == [("missing object", "", "3 Register", "")]
    assert said(class_id=4) == [("class", "", "3 Register", "4 Extended register")]
    assert said(version=1) == [("version", "", "0", "1")]
    assert said(extra="reported") == []
    other = ObjectModel.of([ObjectListElement(1, 0, ObisCode(0, 0, 42, 0, 0), AccessRight((), ()))])
    profile = load_profile(PROFILE.format(extra="reported", value="r", method="x", optional="true"), "one")
    kinds = [str(one.kind) for one in deviations(profile, other, 1, Authentication.HLS5)]
    assert kinds == ["missing object", "extra object"]


def test_members_and_access() -> None:
    assert said(modes=(1, 1)) == [("missing attribute", "3 scaler_unit", "r", "")]
    assert said(modes=(1, 3, 1)) == [("access", "2 value", "r", "rw")]
    assert said(modes=(1, 0, 1)) == [("access", "2 value", "r", "-")]
    assert said(value="rw", modes=(1, 1, 1)) == [("access", "2 value", "rw", "r")]
    assert said(method_mode=0) == [("access", "method 1 reset", "x", "-")]
    assert said(method="-", method_mode=0) == []


def test_the_client_and_its_proof() -> None:
    assert said(authentication=Authentication.NONE) == [("authentication", "", "hls5", "none")]
    with pytest.raises(SettingError, match=r"has no client 9; it has 1 management"):
        said(client=9)


SHIPPED = ("plain", "idis-2", "dsmr-5")


def played(name: str, client_sap: int) -> tuple[CompanionProfile, list[ObjectListElement]]:
    """A shipped profile, and what a meter that is as it says lists to a client."""
    file = resources.files("openami.protocols.dlms.companion") / "profiles" / f"{name}.toml"
    profile = load_profile(file.read_text(encoding="utf-8"), name)
    (record,) = (one for one in records_of(profile) if one.client_sap == client_sap)
    return profile, list(AssociationLN.object_list.cosem_type.from_data(decode_data(record.object_list)))


def kinds(profile: CompanionProfile, elements: list[ObjectListElement], client_sap: int) -> list[tuple[str, ObisCode]]:
    proof = profile.clients[client_sap].authentication or Authentication.NONE
    found = deviations(profile, ObjectModel.of(elements), client_sap, proof)
    return [(str(one.kind), one.logical_name) for one in found if one.logical_name is not None]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_mutation_of_a_meter_of_a_shipped_profile_is_reported(name: str) -> None:
    profile, elements = played(name, 1)
    assert kinds(profile, elements, 1) == []
    strict = {one.logical_name for one in profile.objects if one.seen_by(1) and not one.optional}
    versioned = {one.logical_name for one in profile.objects if one.versions}
    for place, element in enumerate(elements):
        code = element.logical_name
        rest = elements[:place] + elements[place + 1 :]
        if code in strict:
            assert kinds(profile, rest, 1) == [("missing object", code)]
        other = replace(element, class_id=1 if element.class_id != 1 else 3)
        assert ("class", code) in kinds(profile, [*rest, other], 1)
        if code in versioned:
            assert ("version", code) in kinds(profile, [*rest, replace(element, version=200)], 1)
    assert len(strict) > 5
