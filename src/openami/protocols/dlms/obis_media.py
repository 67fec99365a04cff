"""Heat cost (A = 4), cooling (5), heat (6), gas (7), cold and hot water (8, 9): quantities and processing.

Gas was compared with a public list. Heat, cooling, heat cost and water follow the groups of EN 13757-1 as they are
known from meters; no second list of them was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.obis_table import ObisTable

_IDENTIFICATION = """
0.0.0                meter serial number
0.0.1-9              identification {e}
0.0.255              complete identification
0.1.0                billing period counter
0.1.1                number of available billing periods
0.1.2                time stamp of the last billing period
0.2.0                program version
0.2.1                firmware version
0.2.2                software version
0.2.3                device version
0.2.8                active firmware signature
"""

_THERMAL = {
    1: "energy",
    2: "accounted volume",
    3: "accounted mass",
    4: "flow volume",
    5: "flow mass",
    6: "return volume",
    7: "return mass",
    8: "power",
    9: "flow rate",
    10: "flow temperature",
    11: "return temperature",
    12: "differential temperature",
    13: "media pressure",
}
_VALUES = {
    0: "",
    1: "of the last period",
    2: "at the set date",
    3: "at the billing date",
    4: "minimum",
    5: "maximum",
    6: "test value",
}
_GAS_FLOW = {
    1: "forward undisturbed",
    2: "forward disturbed",
    3: "forward absolute",
    4: "reverse undisturbed",
    5: "reverse disturbed",
    6: "reverse absolute",
}
_GAS = (
    {c: f"meter volume, {flow}" for c, flow in _GAS_FLOW.items()}
    | {7: "encoder volume, forward", 8: "encoder volume, reverse"}
    | {10 + c: f"converter volume, {flow}" for c, flow in _GAS_FLOW.items()}
    | {20 + c: f"logger volume, {flow}" for c, flow in _GAS_FLOW.items()}
    | {30 + c: f"energy, {flow}" for c, flow in _GAS_FLOW.items()}
    | {60 + c: f"mass, {flow}" for c, flow in _GAS_FLOW.items()}
    | {
        41: "absolute temperature",
        42: "absolute pressure",
        43: "flow rate",
        44: "velocity of sound",
        45: "density",
        46: "relative density",
        47: "gauge pressure",
        48: "differential pressure",
        49: "density of air",
        51: "correction factor",
        52: "conversion factor",
        53: "compressibility factor",
        54: "superior calorific value",
        55: "gas law deviation coefficient",
    }
)
_GAS_VALUES = {
    0: "",
    1: "corrected",
    2: "at base conditions",
    3: "redundant value",
    10: "actual value",
    13: "at standard conditions",
}
_COST = {
    1: "unrated integral",
    2: "rated integral",
    3: "radiator surface temperature",
    4: "heating medium temperature",
    5: "flow temperature",
    6: "return temperature",
    7: "room temperature",
}
_WATER = {1: "volume", 2: "flow rate", 3: "forward temperature"}

QUANTITIES = {4: _COST, 5: _THERMAL, 6: _THERMAL, 7: _GAS, 8: _WATER, 9: _WATER}
"""Value group C by medium."""

PROCESSING = {4: _VALUES, 5: _VALUES, 6: _VALUES, 7: _GAS_VALUES, 8: _VALUES, 9: _VALUES}
"""Value group D by medium; the plain value has no word."""

_GENERAL = ObisTable(_IDENTIFICATION)
_GAS_GENERAL = ObisTable(
    _IDENTIFICATION
    + """
0.2.10               number of device channels
0.2.11               pressure sensor serial number
0.2.12               temperature sensor serial number
0.2.13               calculator serial number
0.2.14               volume sensor serial number
0.2.15               density sensor serial number
0.3.0-2              pulse constant of the output, at metering conditions {e}
0.3.3-5              pulse constant of the output, at base conditions {e}
0.4.0-4              conversion factor {e}
0.6.1                volume sensor, nominal pressure
0.6.2                volume sensor, nominal temperature
0.6.3                volume sensor, least flow rate
3.0.0                volume
70.8-20,60-84.*      natural gas analysis {d}
"""
)
GENERAL = dict.fromkeys((4, 5, 6, 8, 9), _GENERAL) | {7: _GAS_GENERAL}
"""General purpose codes by medium."""
