"""Names of OBIS codes for people: medium, quantity, tariff.

A small dictionary of what electricity meters in Europe commonly show, and of the general objects around them. Names
follow IEC 62056-6-1 (value groups from public code lists and companion specifications; the text was not at hand).
A code that is not here has no name: nothing is guessed.
"""

from __future__ import annotations

from openami.model.obis import ObisCode

MEDIA = {
    0: "abstract",
    1: "electricity",
    4: "heat cost",
    5: "cooling",
    6: "heat",
    7: "gas",
    8: "cold water",
    9: "hot water",
}
"""Value group A."""

_SUM = {
    1: "active power +A",
    2: "active power −A",
    3: "reactive power +R",
    4: "reactive power −R",
    5: "reactive power QI",
    6: "reactive power QII",
    7: "reactive power QIII",
    8: "reactive power QIV",
    9: "apparent power +S",
    10: "apparent power −S",
    11: "current",
    12: "voltage",
    13: "power factor",
    14: "frequency",
    15: "active power |+A|+|−A|",
    16: "active power |+A|−|−A|",
}
QUANTITIES = _SUM | {20 * phase + c: f"{name} L{phase}" for phase in (1, 2, 3) for c, name in _SUM.items() if c < 16}
QUANTITIES |= {91: "current neutral"}
"""Value group C of electricity: all phases together, then L1 (21 to 35), L2 (41 to 55), L3 (61 to 75)."""

_KINDS = {
    2: "cumulative maximum",
    4: "current average",
    5: "last average",
    6: "maximum",
    7: "instantaneous",
    8: "time integral 1",
    9: "time integral 2",
    24: "average",
    29: "time integral 5",
    31: "limit, low",
    35: "limit, high",
}

_INTEGRALS = {8: "", 9: "since billing", 29: "in the interval"}

_NAMED = {
    "0-0:1.0.0*255": "clock",
    "0-0:40.0.0*255": "current association",
    "0-0:41.0.0*255": "SAP assignment",
    "0-0:42.0.0*255": "COSEM logical device name",
    "0-0:96.1.0*255": "device identification 1",
    "0-0:96.1.1*255": "device identification 2",
    "0-0:96.7.21*255": "number of power failures in any phase",
    "0-0:96.10.1*255": "status word 1",
    "0-0:96.11.0*255": "event code",
    "0-0:96.14.0*255": "currently active tariff",
    "0-0:96.3.10*255": "disconnect control",
    "0-0:97.97.0*255": "error object",
    "0-0:97.98.0*255": "alarm register",
    "0-0:98.1.0*255": "billing profile 1",
    "0-0:98.2.0*255": "billing profile 2",
    "0-0:99.98.0*255": "event log",
    "0-0:99.98.1*255": "fraud event log",
    "0-0:17.0.0*255": "limiter",
    "1-0:0.0.0*255": "meter serial number",
    "1-0:0.2.0*255": "active firmware identification",
    "1-0:94.7.0*255": "instantaneous values, country specific",
    "1-0:98.1.0*255": "billing profile 1",
    "1-0:98.2.0*255": "billing profile 2",
    "1-0:99.1.0*255": "load profile, recording period 1",
    "1-0:99.2.0*255": "load profile, recording period 2",
    "1-0:99.97.0*255": "power failure log",
    "1-0:0.8.4*255": "recording period 1 of the load profile",
    "1-1:0.2.0*255": "active firmware identification, module",
    "7-0:3.0.0*255": "volume",
}

_GENERAL = {
    (15, 0): "single action schedule {}",
    (24, 1): "M-Bus client",
    (24, 2): "M-Bus value {}",
    (25, 9): "push setup {}",
    (40, 0): "association {}",
    (43, 0): "security setup {}",
    (43, 1): "invocation counter {}",
    (44, 0): "image transfer {}",
    (99, 98): "event log {}",
}
"""Value groups C and D of abstract objects; group E goes into the name, group B is the channel."""


def obis_name(code: ObisCode) -> str:
    """What `code` is called, for example `active energy +A, tariff 1`; empty if it is not in the dictionary."""
    if (named := _NAMED.get(str(code))) is not None:
        return named
    if code.a == 0:
        return _general(code)
    if code.a == 1 and code.f == 255:
        return _electricity(code)
    return ""


def medium(code: ObisCode) -> str:
    """The medium of value group A; empty if it has no name here."""
    return MEDIA.get(code.a, "")


def _general(code: ObisCode) -> str:
    name = _GENERAL.get((code.c, code.d), "")
    channel = f", channel {code.b}" if code.b else ""
    return name and name.format(code.e) + channel


def _electricity(code: ObisCode) -> str:
    quantity, kind = QUANTITIES.get(code.c), _KINDS.get(code.d)
    if quantity is None or kind is None:
        return ""
    if code.d in {8, 9, 29} and " power " in quantity:
        quantity, kind = quantity.replace(" power ", " energy "), _INTEGRALS[code.d]
    elif code.d == 7:
        kind = ""
    tariff = f"tariff {code.e}" if code.e and code.d in {2, 6, 8, 9, 29} else ""
    if code.e and not tariff:
        return ""
    return ", ".join(part for part in (quantity, kind, tariff) if part)
