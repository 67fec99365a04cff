"""Electricity (value group A = 1): quantities (C), processing (D), and its general purpose codes."""

from __future__ import annotations

from openami.protocols.dlms.obis_table import ObisTable

_OF_ALL_PHASES = {
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
    17: "active power QI",
    18: "active power QII",
    19: "active power QIII",
    20: "active power QIV",
}
QUANTITIES = (
    _OF_ALL_PHASES
    | {20 * phase + c: f"{name} L{phase}" for phase in (1, 2, 3) for c, name in _OF_ALL_PHASES.items()}
    | {84 + phase: f"power factor −A L{phase}" for phase in (1, 2, 3)}
    | {
        82: "unitless quantity",
        83: "transformer and line losses",
        84: "power factor −A",
        88: "ampere-squared hours",
        89: "volt-squared hours",
        90: "current, sum of the phases",
        91: "current neutral",
        92: "voltage neutral",
        124: "voltage L1-L2",
        125: "voltage L2-L3",
        126: "voltage L3-L1",
    }
)
"""Value group C: all phases together, L1 (21 to 40), L2 (41 to 60), L3 (61 to 80), and single ones."""

PROCESSING = {
    0: "average since the last reset",
    1: "cumulative minimum",
    2: "cumulative maximum",
    3: "minimum",
    4: "current average",
    5: "last average",
    6: "maximum",
    11: "cumulative minimum, scheme 2",
    12: "cumulative maximum, scheme 2",
    13: "minimum, scheme 2",
    14: "current average, scheme 2",
    15: "last average, scheme 2",
    16: "maximum, scheme 2",
    21: "cumulative minimum, scheme 3",
    22: "cumulative maximum, scheme 3",
    23: "minimum, scheme 3",
    24: "current average, scheme 3",
    25: "last average, scheme 3",
    26: "maximum, scheme 3",
    27: "current average, scheme 5",
    28: "current average, scheme 6",
    31: "lower limit",
    32: "under the limit, occurrences",
    33: "under the limit, duration",
    34: "under the limit, magnitude",
    35: "upper limit",
    36: "over the limit, occurrences",
    37: "over the limit, duration",
    38: "over the limit, magnitude",
    39: "missing, threshold",
    40: "missing, occurrences",
    41: "missing, duration",
    42: "missing, magnitude",
    43: "time threshold under the limit",
    44: "time threshold over the limit",
    45: "time threshold of missing",
    46: "contracted",
    49: "average in recording interval 1",
    50: "average in recording interval 2",
    51: "minimum in recording interval 1",
    52: "minimum in recording interval 2",
    53: "maximum in recording interval 1",
    54: "maximum in recording interval 2",
    55: "test average",
    56: "current average, scheme 4",
}
"""Value group D, apart from the instantaneous value (7) and the time integrals."""

TIME_INTEGRALS = {
    8: "",
    9: "since the billing period began",
    10: "above the threshold",
    17: "time integral 7",
    18: "time integral 8",
    19: "time integral 9",
    20: "time integral 10",
    29: "in the interval",
    30: "in interval 2",
    58: "since the test began",
}
"""Value group D of what is summed up over time: 8 from the first moment on, the others since something happened."""

WITH_TARIFFS = frozenset({*range(1, 4), 6, *range(8, 14), 16, *range(21, 24), 26, 29, 30, 46})
"""Values of D under which E is a tariff; elsewhere E 1 to 63 has no name."""

WITH_HARMONICS = frozenset({7, 24, 56})
"""Values of D under which E 1 to 120 is a harmonic, for the quantities that have them."""
HARMONIC_QUANTITIES = frozenset({11, 12, 15, 31, 32, 35, 51, 52, 55, 71, 72, 75, 90, 91, 92, 124, 125, 126})
DISTORTIONS = {124: "total harmonic distortion", 125: "total demand distortion", 126: "all harmonics"}

ANGLES = {0: "U L1", 1: "U L2", 2: "U L3", 4: "I L1", 5: "I L2", 6: "I L3", 7: "I neutral"}
"""Digits of E in phase angles (1-b:81.7.E): ones and tens."""

GENERAL = ObisTable("""
0.0.0                meter serial number
0.0.1-9              electricity identification {e}
0.0.255              complete electricity identification
0.1.0                billing period counter
0.1.1                number of available billing periods
0.1.2                time stamp of the last billing period
0.1.3                billing period counter, scheme 2
0.1.4                number of available billing periods, scheme 2
0.1.5                time stamp of the last billing period, scheme 2
0.2.0                active firmware identification
0.2.1                parameter record number
0.2.2                time switch program number
0.2.3                ripple control program number
0.2.4                meter connection diagram
0.2.7                passive calendar name
0.2.8                active firmware signature
0.3.0                active energy, pulse constant of the metrological LED
0.3.1                reactive energy, pulse constant of the metrological LED
0.3.2                apparent energy, pulse constant of the metrological LED
0.3.3                active energy, pulse constant of the output
0.3.4                reactive energy, pulse constant of the output
0.3.5                apparent energy, pulse constant of the output
0.4.0                reading factor for power
0.4.1                reading factor for energy
0.4.2                current transformer ratio, numerator
0.4.3                voltage transformer ratio, numerator
0.4.4                overall transformer ratio, numerator
0.4.5                current transformer ratio, denominator
0.4.6                voltage transformer ratio, denominator
0.4.7                overall transformer ratio, denominator
0.6.0                nominal voltage
0.6.1                nominal current
0.6.2                nominal frequency
0.6.3                maximum current
0.6.4                reference voltage for power quality
0.6.5                reference voltage of the auxiliary supply
0.7.0                active energy, pulse constant of the input
0.7.1                reactive energy, pulse constant of the input
0.7.2                apparent energy, pulse constant of the input
0.8.0                measurement period 1, of averages
0.8.1                measurement period 2, of averages
0.8.2                measurement period 3, of instantaneous values
0.8.3                measurement period 4, of test values
0.8.4                recording period 1 of the load profile
0.8.5                recording period 2 of the load profile
0.8.6                billing period
0.8.7                billing period 2
0.8.8                measurement period of harmonics
0.9.0                time since the last end of a billing period
0.9.1                local time
0.9.2                local date
0.9.5                day of the week
0.9.6                time of the last reset
0.9.7                date of the last reset
0.9.8                output pulse duration
0.9.9                clock synchronisation window
0.9.10               clock synchronisation method
0.9.11               clock time shift limit
0.9.12               billing period reset lockout time
0.10.0               transformer magnetic losses
0.10.1               transformer iron losses
0.10.2               line resistance losses
0.10.3               line reactance losses
0.11.1               active power, measurement algorithm
0.11.2               active energy, measurement algorithm
0.11.3               reactive power, measurement algorithm
0.11.4               reactive energy, measurement algorithm
0.11.5               apparent power, measurement algorithm
0.11.6               apparent energy, measurement algorithm
0.11.7               power factor, measurement algorithm
""")
