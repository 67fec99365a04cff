"""Every part has a unit: its own user, one slice, and a command that is one of ours."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest

from openami.cli.up import Part

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"
PARTS = ["headend", "backoffice", "operations", "portal", "collector", "authority", "guard", "witness"]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_a_user_of_its_own_in_one_slice(part):
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read(UNITS / f"openami-{part}.service")
    service = unit["Service"]
    assert service["User"] == service["Group"] == f"openami-{part}"
    assert service["Slice"] == "openami.slice"
    assert (UNITS / service["Slice"]).is_file()
    assert service["ExecStart"].split()[1:3] == ["up", Part(part).value]
    assert service["ProtectSystem"] == "strict"
    assert service["LimitCORE"] == "0"


def test_there_are_no_other_units():
    assert sorted(path.stem for path in UNITS.glob("*.service")) == sorted(f"openami-{part}" for part in PARTS)
