from __future__ import annotations

import pytest

from openami.model.obis import ObisCode
from openami.protocols.dlms.obis_names import MEDIA, ObisMeaning, medium, obis_meaning, obis_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1-0:1.8.0*255", "active energy +A"),
        ("1-0:1.8.1*255", "active energy +A, tariff 1"),
        ("1-0:1.8.2*3", "active energy +A, tariff 2, billing period 3"),
        ("1-0:1.8.0*101", "active energy +A, last 1 billing periods"),
        ("1-1:1.8.0*255", "active energy +A, channel 1"),
        ("1-0:2.8.2*255", "active energy −A, tariff 2"),
        ("1-0:5.8.0*255", "reactive energy QI"),
        ("1-0:16.7.0*255", "active power |+A|−|−A|"),
        ("1-0:21.7.0*255", "active power +A L1"),
        ("1-0:37.8.0*255", "active energy QI L1"),
        ("1-0:32.7.0*255", "voltage L1"),
        ("1-0:32.7.5*255", "voltage L1, harmonic 5"),
        ("1-0:31.7.124*255", "current L1, total harmonic distortion"),
        ("1-0:12.24.0*255", "voltage, current average, scheme 3"),
        ("1-0:32.32.0*255", "voltage L1, under the limit, occurrences"),
        ("1-0:71.7.0*255", "current L3"),
        ("1-0:73.7.0*255", "power factor L3"),
        ("1-0:81.7.40*255", "phase angle between I L1 and U L1"),
        ("1-0:124.7.0*255", "voltage L1-L2"),
        ("1-0:1.29.0*255", "active energy +A, in the interval"),
        ("1-0:1.6.0*255", "active power +A, maximum"),
        ("1-0:1.6.1*255", "active power +A, maximum, tariff 1"),
        ("1-0:0.2.0*255", "active firmware identification"),
        ("1-0:0.8.4*255", "recording period 1 of the load profile"),
        ("1-0:99.1.0*255", "load profile, recording period 1"),
        ("1-0:99.97.0*255", "power failure log"),
        ("1-0:94.31.1*255", "country specific, Netherlands"),
        ("1-0:128.1.0*255", "manufacturer specific"),
        ("0-0:1.0.0*255", "clock"),
        ("0-0:10.0.106*255", "disconnect control script table"),
        ("0-0:13.0.0*255", "activity calendar 0"),
        ("0-0:15.0.2*255", "image activation schedule"),
        ("0-0:17.0.0*255", "limiter"),
        ("0-0:19.11.2*255", "credit 2, account 1"),
        ("0-0:40.0.2*255", "association 2"),
        ("0-0:96.7.3*255", "number of power failures in L3"),
        ("0-0:96.20.5*255", "terminal cover opened, count"),
        ("0-1:24.1.0*255", "M-Bus client, channel 1"),
        ("0-1:24.2.1*255", "M-Bus value 1, channel 1"),
        ("0-4:25.9.0*255", "push setup, channel 4"),
        ("4-0:2.0.0*255", "rated integral"),
        ("6-0:1.0.0*255", "energy"),
        ("6-0:10.0.0*255", "flow temperature"),
        ("6-0:1.2.0*255", "energy, at the set date"),
        ("7-0:3.0.0*255", "volume"),
        ("7-0:3.1.0*255", "meter volume, forward absolute, corrected"),
        ("7-0:33.0.2*255", "energy, forward absolute, tariff 2"),
        ("7-0:13.2.0*255", "converter volume, forward absolute, at base conditions"),
        ("8-0:1.0.0*255", "volume"),
        ("9-1:1.0.0*255", "volume, channel 1"),
        ("7-1:99.1.0*255", "load profile, recording period 1, channel 1"),
        ("1-0:200.8.0*255", ""),
        ("1-0:1.7.1*255", ""),
        ("1-0:1.8.64*255", ""),
        ("1-0:1.8.0*200", ""),
        ("1-0:81.7.33*255", ""),
        ("1-0:1.57.0*255", ""),
        ("1-0:94.200.0*255", "manufacturer specific"),
        ("1-0:94.99.0*255", ""),
        ("0-0:200.0.0*255", ""),
        ("6-0:1.9.0*255", ""),
        ("2-0:1.8.0*255", ""),
    ],
)
def test_names(code: str, name: str) -> None:
    assert obis_name(ObisCode.parse(code)) == name


def test_media() -> None:
    assert medium(ObisCode.parse("7-0:3.0.0*255")) == "gas"
    assert medium(ObisCode.parse("99-0:3.0.0*255")) == ""


def test_the_parts_stand_by_themselves() -> None:
    assert obis_meaning(ObisCode.parse("1-2:1.6.1*7")) == ObisMeaning(
        medium="electricity",
        channel=2,
        quantity="active power +A",
        processing="maximum",
        tariff=1,
        billing_period=7,
    )
    assert obis_meaning(ObisCode.parse("3-0:1.8.0*255")).quantity == ""


def test_every_code_has_a_name_or_none() -> None:
    """No code that can be written fails; the dictionary is not small."""
    codes = (ObisCode(a, 0, c, d, e) for a in (*MEDIA, 2) for c in range(256) for d in range(60) for e in (0, 1, 124))
    assert sum(1 for code in codes if obis_name(code)) > 10_000
