from __future__ import annotations

import pytest

from openami.model.obis import ObisCode
from openami.protocols.dlms.obis_names import medium, obis_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1-0:1.8.0*255", "active energy +A"),
        ("1-0:1.8.1*255", "active energy +A, tariff 1"),
        ("1-0:2.8.2*255", "active energy −A, tariff 2"),
        ("1-0:5.8.0*255", "reactive energy QI"),
        ("1-0:16.7.0*255", "active power |+A|−|−A|"),
        ("1-0:21.7.0*255", "active power +A L1"),
        ("1-0:32.7.0*255", "voltage L1"),
        ("1-0:71.7.0*255", "current L3"),
        ("1-0:73.7.0*255", "power factor L3"),
        ("1-0:1.29.0*255", "active energy +A, in the interval"),
        ("1-0:1.6.0*255", "active power +A, maximum"),
        ("1-0:99.1.0*255", "load profile, recording period 1"),
        ("0-0:1.0.0*255", "clock"),
        ("0-0:40.0.2*255", "association 2"),
        ("0-1:24.2.1*255", "M-Bus value 1, channel 1"),
        ("0-4:25.9.0*255", "push setup 0, channel 4"),
        ("1-0:200.8.0*255", ""),
        ("1-0:32.7.5*255", ""),
        ("1-0:1.8.0*1", ""),
        ("0-0:200.0.0*255", ""),
        ("7-1:99.1.0*255", ""),
    ],
)
def test_names(code: str, name: str) -> None:
    assert obis_name(ObisCode.parse(code)) == name


def test_media() -> None:
    assert medium(ObisCode.parse("7-0:3.0.0*255")) == "gas"
    assert medium(ObisCode.parse("99-0:3.0.0*255")) == ""
