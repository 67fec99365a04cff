"""Profiles are read as they are documented, and what is wrong in one is said with its place."""

from __future__ import annotations

from importlib import resources

import pytest

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.profile import MemberRights, load_profile
from openami.protocols.dlms.cosem.describe import describe
from openami.protocols.dlms.obis_names import obis_name

SHIPPED = sorted(
    (
        one
        for one in (resources.files("openami.protocols.dlms.companion") / "profiles").iterdir()
        if one.name.endswith(".toml")
    ),
    key=lambda one: one.name,
)
ENERGY = ObisCode(1, 0, 1, 8, 0)
HEAD = """
name = "one"
[clients.1]
name = "management"
authentication = "hls5"
[clients.2]
[clients.16]
"""
OBJECT = """
[[objects]]
logical_name = "1-0:1.8.0*255"
class_id = 3
"""


def test_a_profile_says_who_sees_and_may_do_what() -> None:
    more = (
        'version = [0, 1]\nattributes = { 2 = "r", 3 = "r+" }\nmethods = { 1 = "-" }\naccess.1.methods = { 1 = "x" }\n'
    )
    profile = load_profile(HEAD + OBJECT + more, "one.toml")
    assert (profile.name, profile.extra_reported) == ("one", False)
    assert profile.clients[1].authentication is Authentication.HLS5
    assert profile.clients[2].authentication is None
    one = profile.objects[0]
    assert (one.logical_name, one.class_id, one.versions, one.optional) == (ENERGY, 3, (0, 1), False)
    assert [one.seen_by(client) for client in (1, 2, 16)] == [True, True, False]
    assert one.rights_of(2) == MemberRights({2: "r", 3: "r+"}, {1: "-"})
    assert one.rights_of(1) == MemberRights({2: "r", 3: "r+"}, {1: "x"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "one.toml is not TOML"),
        ("[clients]", "one.toml: objects is missing"),
        ('name = "one"\nobjects = []', "clients is missing"),
        (HEAD, "objects is missing"),
        (HEAD + "[[objects]]\nclass_id = 3", r"objects number 1 \(without a name\): logical_name is missing"),
        (HEAD + '[[objects]]\nlogical_name = "1.8.0"\nclass_id = 3', "'1.8.0' is not an OBIS code"),
        (HEAD + '[[objects]]\nlogical_name = "1-0:1.8.0*255"', "class_id is missing"),
        (HEAD + '[[objects]]\nlogical_name = "1-0:1.8.0*255"\nclass_id = true', "class_id is True"),
        (HEAD + OBJECT.replace("= 3", "= 65536"), "class_id is 65536, must be 0 to 65535"),
        (HEAD + OBJECT + "version = [0, 256]", "numbers from 0 to 255"),
        (HEAD + OBJECT + 'attributes = { 128 = "r" }', "attributes.128 is 'r'"),
        (HEAD + OBJECT + 'values = { 128 = "00" }', "values.128 is '00', no A-XDR value"),
        ("x = " + "[" * 100_000, "is not TOML"),
        (HEAD + OBJECT + 'version = "0"', "version is '0'"),
        (HEAD + OBJECT + "version = [true]", "must be a number or a list of numbers"),
        (HEAD + OBJECT + "clients = [3]", "client 3 is not one of"),
        (HEAD + OBJECT + 'attributes = { 2 = "rx" }', "attributes.2 is 'rx', must be one of -, r, w, rw"),
        (HEAD + OBJECT + 'attributes = { two = "r" }', "attributes.two"),
        (HEAD + OBJECT + 'methods = { 1 = "r" }', "must be one of -, x"),
        (HEAD + OBJECT + "colour = 3", "colour is not known here"),
        (HEAD + OBJECT + OBJECT, r"1-0:1.8.0\*255 is named twice"),
        (HEAD + OBJECT + 'values = { 2 = "06" }', "values.2 is '06', no A-XDR value"),
        (HEAD + OBJECT + "values = { 2 = 6 }", "values.2 is 6, no A-XDR value"),
        (HEAD + OBJECT + "access.3 = {}", "client 3 is not one of"),
        (HEAD + OBJECT + "access.one = {}", "access.one must be a table with a number"),
        ("objects = [1]\n" + HEAD, "objects number 1 is 1, must be a table"),
        ('extra = "forbidden"\n' + HEAD + OBJECT, "extra is 'forbidden', must be one of allowed, reported"),
        ('colour = "red"\n' + HEAD + OBJECT, "colour is not known here"),
        ('name = "one"\n[clients.1]\nauthentication = "morse"\n' + OBJECT, "authentication is 'morse'"),
        ('name = "one"\n[clients.one]\n' + OBJECT, "clients.one must be a table with a number"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message) as raised:
        load_profile(text, "one.toml")
    assert str(raised.value).startswith("one.toml")


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda one: one.name)
def test_shipped_profiles_name_classes_versions_and_members_that_are_declared(shipped) -> None:
    profile = load_profile(shipped.read_text(encoding="utf-8"), shipped.name)
    assert shipped.name == f"{profile.name}.toml"
    assert profile.source
    for one in profile.objects:
        assert obis_name(one.logical_name), one.logical_name
        for version in one.versions:
            known = describe(one.class_id, version)
            assert set(one.rights.attributes) <= {member.number for member in known.attributes}, one.logical_name
            assert set(one.rights.methods) <= {member.number for member in known.methods}, one.logical_name
