"""OBIS codes that every medium has: errors and alarms, lists, profiles; and the countries of country specific ones."""

from __future__ import annotations

from openami.protocols.dlms.obis_table import ObisTable

EVERY_MEDIUM = ObisTable("""
97.97.0              error object
97.97.1-9            error object {e}
97.97.255            error profile
97.98.0              alarm register
97.98.1-9            alarm register {e}
97.98.10-19          alarm filter {e}
97.98.20-29          alarm descriptor {e}
97.98.255            alarm register profile
98.1.0,255           billing profile 1
98.2.0,255           billing profile 2
98.1-2.1-127         billing profile {d}, number {e}
98.10.*              register table {e}
99.1.0               load profile, recording period 1
99.2.0               load profile, recording period 2
99.1-2.1-127         load profile, recording period {d}, number {e}
99.3.0               load profile during test
99.10.1              voltage dips profile
99.10.2              voltage swells profile
99.10.3              voltage cuts profile
99.12.*              connection profile {e}
99.13.*              GSM diagnostic profile {e}
99.14.*              charge collection history {e}
99.15.*              token credit history {e}
99.16.*              parameter monitor log {e}
99.17.*              token transfer log {e}
99.18.*              LTE monitoring profile {e}
99.97.0              power failure log
99.97.1-127          power failure log {e}
99.98.0              event log
99.98.1              fraud event log
99.98.2-127          event log {e}
99.99.*              certification data log {e}
127.*.*              inactive object
""")

COUNTRIES = {
    0: "Finland",
    1: "USA",
    2: "Canada",
    3: "Serbia",
    7: "Russia",
    10: "Czechia",
    11: "Bulgaria",
    12: "Croatia",
    13: "Ireland",
    14: "Israel",
    15: "Ukraine",
    20: "Egypt",
    27: "South Africa",
    30: "Greece",
    31: "Netherlands",
    32: "Belgium",
    33: "France",
    34: "Spain",
    35: "Portugal",
    36: "Hungary",
    37: "Lithuania",
    38: "Slovenia",
    39: "Italy",
    40: "Romania",
    41: "Switzerland",
    42: "Slovakia",
    43: "Austria",
    44: "United Kingdom",
    45: "Denmark",
    46: "Sweden",
    47: "Norway",
    48: "Poland",
    49: "Germany",
    52: "South Korea",
    55: "Brazil",
    60: "Malaysia",
    61: "Australia",
    62: "Indonesia",
    63: "Philippines",
    64: "New Zealand",
    65: "Singapore",
    66: "Thailand",
    71: "Latvia",
    81: "Japan",
    86: "China",
    90: "Turkey",
    91: "India",
    92: "Pakistan",
    96: "Saudi Arabia",
}
"""Group D of country specific codes (group C = 94)."""
