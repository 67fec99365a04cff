"""The VIF codes of EN 13757-3: primary table, first (FD) and second (FB) extension table, table behind FD FD.

Compiled from public descriptions (the M-Bus user group's documentation, the OMS group's published material, meter
manuals) and checked with frames of real meters; the standard's text was not at hand. Codes that are not declared here
are decoded as `reserved`, with their data.
"""

from __future__ import annotations

from openami.model.unit import Unit
from openami.protocols.mbus.vif import HOURS_TO_YEARS, S_TO_DAYS, Kind, Vif, by_code

CUBIC_FOOT, US_GALLON = 28_316_846_592, 3_785_411_784
"""In 10^-12 m³. Flows in gallons per minute are gpm below."""

PRIMARY = by_code(
    (
        Vif(0x00, 8, "energy", Unit.WATT_HOUR, -3),
        Vif(0x08, 8, "energy", Unit.JOULE),
        Vif(0x10, 8, "volume", Unit.CUBIC_METRE, -6),
        Vif(0x18, 8, "mass", Unit.KILOGRAM, -3),
        Vif(0x20, 4, "on time", units=S_TO_DAYS),
        Vif(0x24, 4, "operating time", units=S_TO_DAYS),
        Vif(0x28, 8, "power", Unit.WATT, -3),
        Vif(0x30, 8, "power", Unit.JOULE_PER_HOUR),
        Vif(0x38, 8, "volume flow", Unit.CUBIC_METRE_PER_HOUR, -6),
        Vif(0x40, 8, "volume flow", Unit.CUBIC_METRE_PER_HOUR, -7, factor=60),  # stated in m³/min
        Vif(0x48, 8, "volume flow", Unit.CUBIC_METRE_PER_HOUR, -9, factor=3600),  # stated in m³/s
        Vif(0x50, 8, "mass flow", Unit.KILOGRAM_PER_HOUR, -3),
        Vif(0x58, 4, "flow temperature", Unit.DEGREE_CELSIUS, -3),
        Vif(0x5C, 4, "return temperature", Unit.DEGREE_CELSIUS, -3),
        Vif(0x60, 4, "temperature difference", Unit.KELVIN, -3),
        Vif(0x64, 4, "external temperature", Unit.DEGREE_CELSIUS, -3),
        Vif(0x68, 4, "pressure", Unit.BAR, -3),
        Vif(0x6C, 1, "date", kind=Kind.TIME),
        Vif(0x6D, 1, "date and time", kind=Kind.TIME),
        Vif(0x6E, 1, "heat cost allocation units"),
        Vif(0x70, 4, "averaging duration", units=S_TO_DAYS),
        Vif(0x74, 4, "actuality duration", units=S_TO_DAYS),
        Vif(0x78, 1, "fabrication number", kind=Kind.IDENTIFICATION),
        Vif(0x79, 1, "enhanced identification", kind=Kind.IDENTIFICATION),
        Vif(0x7A, 1, "address", kind=Kind.UNSIGNED),
        Vif(0x7E, 1, "any quantity"),
        Vif(0x7F, 1, "manufacturer specific", Unit.OTHER),
    )
)

FIRST_EXTENSION = by_code(
    (
        Vif(0x00, 4, "credit", Unit.CURRENCY, -3),
        Vif(0x04, 4, "debit", Unit.CURRENCY, -3),
        Vif(0x08, 1, "access number", kind=Kind.UNSIGNED),
        Vif(0x09, 1, "device type", kind=Kind.UNSIGNED),
        Vif(0x0A, 1, "manufacturer", kind=Kind.UNSIGNED),
        Vif(0x0B, 1, "parameter set identification", kind=Kind.IDENTIFICATION),
        Vif(0x0C, 1, "model or version", kind=Kind.IDENTIFICATION),
        Vif(0x0D, 1, "hardware version", kind=Kind.IDENTIFICATION),
        Vif(0x0E, 1, "firmware version", kind=Kind.IDENTIFICATION),
        Vif(0x0F, 1, "software version", kind=Kind.IDENTIFICATION),
        Vif(0x10, 1, "customer location", kind=Kind.IDENTIFICATION),
        Vif(0x11, 1, "customer", kind=Kind.IDENTIFICATION),
        Vif(0x12, 1, "user access code", kind=Kind.UNSIGNED),
        Vif(0x13, 1, "operator access code", kind=Kind.UNSIGNED),
        Vif(0x14, 1, "system operator access code", kind=Kind.UNSIGNED),
        Vif(0x15, 1, "developer access code", kind=Kind.UNSIGNED),
        Vif(0x16, 1, "password", kind=Kind.UNSIGNED),
        Vif(0x17, 1, "error flags", kind=Kind.UNSIGNED),
        Vif(0x18, 1, "error mask", kind=Kind.UNSIGNED),
        Vif(0x19, 1, "security key", kind=Kind.BYTES),
        Vif(0x1A, 1, "digital output", kind=Kind.UNSIGNED),
        Vif(0x1B, 1, "digital input", kind=Kind.UNSIGNED),
        Vif(0x1C, 1, "baud rate", kind=Kind.UNSIGNED),
        Vif(0x1D, 1, "response delay time", Unit.BIT_TIME, kind=Kind.UNSIGNED),
        Vif(0x1E, 1, "retries", kind=Kind.UNSIGNED),
        Vif(0x1F, 1, "remote control", kind=Kind.UNSIGNED),
        Vif(0x20, 1, "first storage number", kind=Kind.UNSIGNED),
        Vif(0x21, 1, "last storage number", kind=Kind.UNSIGNED),
        Vif(0x22, 1, "size of storage block", kind=Kind.UNSIGNED),
        Vif(0x23, 1, "descriptor of tariff and subunit", kind=Kind.BYTES),
        Vif(0x24, 4, "storage interval", units=S_TO_DAYS),
        Vif(0x28, 2, "storage interval", units=(Unit.MONTH, Unit.YEAR)),
        Vif(0x2A, 1, "operator specific data", kind=Kind.BYTES),
        Vif(0x2B, 1, "second of the time point", Unit.SECOND, kind=Kind.UNSIGNED),
        Vif(0x2C, 4, "duration since last readout", units=S_TO_DAYS),
        Vif(0x30, 1, "start of tariff", kind=Kind.TIME),
        Vif(0x31, 3, "duration of tariff", units=(Unit.MINUTE, Unit.HOUR, Unit.DAY)),
        Vif(0x34, 4, "period of tariff", units=S_TO_DAYS),
        Vif(0x38, 2, "period of tariff", units=(Unit.MONTH, Unit.YEAR)),
        Vif(0x3A, 1, "dimensionless"),
        Vif(0x3B, 1, "wireless M-Bus data container", kind=Kind.BYTES),
        Vif(0x3C, 4, "period of nominal data transmissions", units=S_TO_DAYS),
        Vif(0x40, 16, "voltage", Unit.VOLT, -9),
        Vif(0x50, 16, "current", Unit.AMPERE, -12),
        Vif(0x60, 1, "reset counter", kind=Kind.UNSIGNED),
        Vif(0x61, 1, "cumulation counter", kind=Kind.UNSIGNED),
        Vif(0x62, 1, "control signal", kind=Kind.UNSIGNED),
        Vif(0x63, 1, "day of week", kind=Kind.UNSIGNED),
        Vif(0x64, 1, "week number", kind=Kind.UNSIGNED),
        Vif(0x65, 1, "time of day change", kind=Kind.TIME),
        Vif(0x66, 1, "state of parameter activation", kind=Kind.UNSIGNED),
        Vif(0x67, 1, "special supplier information", kind=Kind.UNSIGNED),
        Vif(0x68, 4, "duration since last cumulation", units=HOURS_TO_YEARS),
        Vif(0x6C, 4, "operating time of battery", units=HOURS_TO_YEARS),
        Vif(0x70, 1, "date of battery change", kind=Kind.TIME),
        Vif(0x71, 1, "radio frequency level", Unit.DECIBEL_MILLIWATT),
        Vif(0x72, 1, "daylight saving", kind=Kind.BYTES),
        Vif(0x73, 1, "listening window management", kind=Kind.BYTES),
        Vif(0x74, 1, "remaining battery life time", Unit.DAY),
        Vif(0x75, 1, "times the meter was stopped", kind=Kind.UNSIGNED),
        Vif(0x76, 1, "manufacturer specific data container", kind=Kind.BYTES),
    )
)

FIRST_EXTENSION_SECOND_LEVEL = by_code(
    (
        Vif(0x00, 1, "selected application", kind=Kind.UNSIGNED),
        Vif(0x02, 2, "remaining battery life time", units=(Unit.MONTH, Unit.YEAR)),
    )
)

SECOND_EXTENSION = by_code(
    (
        Vif(0x00, 2, "energy", Unit.WATT_HOUR, 5, prefix=6),
        Vif(0x02, 2, "reactive energy", Unit.VAR_HOUR, 3, prefix=3),
        Vif(0x04, 2, "apparent energy", Unit.VOLT_AMPERE_HOUR, 3, prefix=3),
        Vif(0x08, 2, "energy", Unit.JOULE, 8, prefix=9),
        Vif(0x0C, 4, "energy", Unit.CALORIE, 5, prefix=6),
        Vif(0x10, 2, "volume", Unit.CUBIC_METRE, 2),
        Vif(0x14, 4, "reactive power", Unit.VAR, 0, prefix=3),
        Vif(0x18, 2, "mass", Unit.KILOGRAM, 5, prefix=3),
        Vif(0x1A, 2, "relative humidity", Unit.PERCENT, -1),
        Vif(0x20, 1, "volume", Unit.CUBIC_METRE, -12, factor=CUBIC_FOOT, prefix=-12),
        Vif(0x21, 1, "volume", Unit.CUBIC_METRE, -13, factor=CUBIC_FOOT, prefix=-12),  # 0.1 cubic foot
        Vif(0x22, 2, "volume", Unit.CUBIC_METRE, -13, factor=US_GALLON, prefix=-12),  # US gallons
        Vif(0x24, 1, "volume flow", Unit.CUBIC_METRE_PER_HOUR, -15, factor=60 * US_GALLON, prefix=-12),  # 0.001 gpm
        Vif(0x25, 1, "volume flow", Unit.CUBIC_METRE_PER_HOUR, -12, factor=60 * US_GALLON, prefix=-12),  # gpm
        Vif(0x26, 1, "volume flow", Unit.CUBIC_METRE_PER_HOUR, -12, factor=US_GALLON, prefix=-12),  # gallon/h
        Vif(0x28, 2, "power", Unit.WATT, 5, prefix=6),
        Vif(0x2A, 1, "phase angle voltage to voltage", Unit.DEGREE, -1),
        Vif(0x2B, 1, "phase angle voltage to current", Unit.DEGREE, -1),
        Vif(0x2C, 4, "frequency", Unit.HERTZ, -3),
        Vif(0x30, 2, "power", Unit.JOULE_PER_HOUR, 8, prefix=9),
        Vif(0x34, 4, "apparent power", Unit.VOLT_AMPERE, 0, prefix=3),
        Vif(0x58, 4, "flow temperature", Unit.DEGREE_FAHRENHEIT, -3),
        Vif(0x5C, 4, "return temperature", Unit.DEGREE_FAHRENHEIT, -3),
        Vif(0x60, 4, "temperature difference", Unit.DEGREE_FAHRENHEIT, -3),
        Vif(0x64, 4, "external temperature", Unit.DEGREE_FAHRENHEIT, -3),
        Vif(0x68, 1, "allocator rating factor K"),
        Vif(0x69, 1, "allocator rating factor KQ"),
        Vif(0x6A, 1, "allocator rating factor KC"),
        Vif(0x6B, 1, "allocator rating factor KCR"),
        Vif(0x6C, 1, "allocator rating factor KCH"),
        Vif(0x6D, 1, "allocator rating factor KT"),
        Vif(0x6E, 1, "allocator display factor KD"),
        Vif(0x70, 4, "cold or warm temperature limit", Unit.DEGREE_FAHRENHEIT, -3),
        Vif(0x74, 4, "cold or warm temperature limit", Unit.DEGREE_CELSIUS, -3),
        Vif(0x78, 8, "cumulated maximum power", Unit.WATT, -3),
    )
)
