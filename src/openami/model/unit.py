"""Units of metering quantities.

The numbers are those of the COSEM enumeration `unit` (Blue Book, Register.scaler_unit; from public
implementations, the text of the book was not at hand). Numbers from 1000 on are units of other protocols; they have
no number in COSEM and cannot stand on a DLMS wire.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class Unit(IntEnum):
    """A COSEM unit; `symbol` is what people read."""

    symbol: str

    def __new__(cls, code: int, symbol: str) -> Self:
        unit = int.__new__(cls, code)
        unit._value_ = code
        unit.symbol = symbol
        return unit

    YEAR = 1, "a"
    MONTH = 2, "mo"
    WEEK = 3, "wk"
    DAY = 4, "d"
    HOUR = 5, "h"
    MINUTE = 6, "min"
    SECOND = 7, "s"
    DEGREE = 8, "°"
    DEGREE_CELSIUS = 9, "°C"
    CURRENCY = 10, "currency"
    METRE = 11, "m"
    METRE_PER_SECOND = 12, "m/s"
    CUBIC_METRE = 13, "m³"
    CUBIC_METRE_CORRECTED = 14, "m³ (corrected)"
    CUBIC_METRE_PER_HOUR = 15, "m³/h"
    CUBIC_METRE_PER_HOUR_CORRECTED = 16, "m³/h (corrected)"
    CUBIC_METRE_PER_DAY = 17, "m³/d"
    CUBIC_METRE_PER_DAY_CORRECTED = 18, "m³/d (corrected)"
    LITRE = 19, "l"
    KILOGRAM = 20, "kg"
    NEWTON = 21, "N"
    NEWTON_METRE = 22, "Nm"
    PASCAL = 23, "Pa"
    BAR = 24, "bar"
    JOULE = 25, "J"
    JOULE_PER_HOUR = 26, "J/h"
    WATT = 27, "W"
    VOLT_AMPERE = 28, "VA"
    VAR = 29, "var"
    WATT_HOUR = 30, "Wh"
    VOLT_AMPERE_HOUR = 31, "VAh"
    VAR_HOUR = 32, "varh"
    AMPERE = 33, "A"
    COULOMB = 34, "C"
    VOLT = 35, "V"
    VOLT_PER_METRE = 36, "V/m"
    FARAD = 37, "F"
    OHM = 38, "Ω"
    OHM_SQUARE_METRE_PER_METRE = 39, "Ωm²/m"
    WEBER = 40, "Wb"
    TESLA = 41, "T"
    AMPERE_PER_METRE = 42, "A/m"
    HENRY = 43, "H"
    HERTZ = 44, "Hz"
    ACTIVE_METER_CONSTANT = 45, "1/Wh"
    REACTIVE_METER_CONSTANT = 46, "1/varh"
    APPARENT_METER_CONSTANT = 47, "1/VAh"
    VOLT_SQUARED_HOUR = 48, "V²h"
    AMPERE_SQUARED_HOUR = 49, "A²h"
    KILOGRAM_PER_SECOND = 50, "kg/s"
    SIEMENS = 51, "S"
    KELVIN = 52, "K"
    VOLT_SQUARED_HOUR_METER_CONSTANT = 53, "1/(V²h)"
    AMPERE_SQUARED_HOUR_METER_CONSTANT = 54, "1/(A²h)"
    VOLUME_METER_CONSTANT = 55, "1/m³"
    PERCENT = 56, "%"
    AMPERE_HOUR = 57, "Ah"
    ENERGY_PER_VOLUME = 60, "Wh/m³"
    CALORIFIC_VALUE = 61, "J/m³"
    MOLE_PERCENT = 62, "mol %"
    MASS_DENSITY = 63, "g/m³"
    DYNAMIC_VISCOSITY = 64, "Pa s"
    SPECIFIC_ENERGY = 65, "J/kg"
    DECIBEL_MILLIWATT = 70, "dBm"
    DECIBEL_MICROVOLT = 71, "dBµV"
    DECIBEL = 72, "dB"
    OTHER = 254, "other"
    COUNT = 255, ""
    KILOGRAM_PER_HOUR = 1000, "kg/h"
    DEGREE_FAHRENHEIT = 1001, "°F"
    CALORIE = 1002, "cal"
    BIT_TIME = 1003, "bit time"
