"""The bill of materials, and differences between a lock and what is installed."""

from __future__ import annotations

import json

from openami.app.release.bill_of_materials import bill_of_materials, differences, installed
from openami.app.release.lock_file import Locked, read_lock

NUMPY = installed()["numpy"].version
LOCK = read_lock(f"numpy=={NUMPY} --hash=sha256:{'0' * 64}\njinja2==3 --hash=sha256:{'1' * 64}\nmarkupsafe==2\n")


def test_every_library_is_a_component_with_what_it_needs():
    bill = json.loads(bill_of_materials("1.0", LOCK, installed()))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["purl"] for one in bill["components"]} == {
        f"pkg:pypi/numpy@{NUMPY}",
        "pkg:pypi/jinja2@3",
        "pkg:pypi/markupsafe@2",
    }
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert needs["pkg:pypi/jinja2@3"] == ["pkg:pypi/markupsafe@2"]
    assert f"pkg:pypi/numpy@{NUMPY}" in needs["pkg:pypi/openami@1.0"]
    assert bill["metadata"]["component"]["licenses"] == [{"expression": "Apache-2.0"}]


def test_the_same_release_has_the_same_bill_and_another_one_another_number():
    first = bill_of_materials("1.0", LOCK, installed())
    assert bill_of_materials("1.0", LOCK, installed()) == first
    other = json.loads(bill_of_materials("1.1", LOCK, installed()))
    assert other["serialNumber"] != json.loads(first)["serialNumber"]


def test_what_is_more_missing_or_other_is_a_difference():
    found = {name: one for name, one in installed().items() if name in {"numpy", "rich", "pip", "openami"}}
    lock = [*read_lock("numpy==0.1\nmissing==1\nelsewhere==1 ; sys_platform == 'win32'\n")]
    assert differences(lock, found) == [
        "missing 1 is locked, and missing",
        f"numpy 0.1 is locked, {NUMPY} is installed",
        f"rich {found['rich'].version} is installed, and the lock does not know it",
    ]


def test_what_is_as_locked_is_no_difference():
    found = {name: installed()[name] for name in ("numpy", "openami")}
    assert differences([Locked("numpy", NUMPY, frozenset())], found) == []
    assert differences([*LOCK[:1], Locked("openami", "0", frozenset())], found) != []
