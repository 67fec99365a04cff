"""Which of its data a meter tells: the sub-code of an application reset or selection.

The upper four bits are the application, the lower four the block of its data. Names from public lists that follow
EN 13757-3 and from the M-Bus user group's documentation; the standard's text was not at hand. What stands behind the
first byte, for applications beyond these, is not read.
"""

from __future__ import annotations

from typing import NamedTuple

from openami.model.errors import LocalProtocolError

APPLICATIONS = (
    "all",
    "user data",
    "simple billing",
    "enhanced billing",
    "multi-tariff billing",
    "instantaneous values",
    "load management",
    "static content",
    "installation and start-up",
    "testing",
    "calibration",
    "manufacturing",
    "development",
    "self-test",
    "configuration data",
    "data that the user chose",
)
ALL, USER_DATA, SIMPLE_BILLING = 0, 1, 2
INSTANTANEOUS_VALUES, STATIC_CONTENT, INSTALLATION = 5, 7, 8


class SelectedApplication(NamedTuple):
    """An application and a block of its data."""

    application: int = ALL
    block: int = 0

    def __bytes__(self) -> bytes:
        if not (0 <= self.application <= 0x0F and 0 <= self.block <= 0x0F):
            raise LocalProtocolError(f"application {self.application}, block {self.block}: both must be 0 to 15")
        return bytes((self.application << 4 | self.block,))

    def __str__(self) -> str:
        name = APPLICATIONS[self.application]
        return f"{name}, block {self.block}" if self.block else name


def decode_selected(data: bytes) -> SelectedApplication:
    """The sub-code that `data` begins with; without one, all is meant."""
    return SelectedApplication(data[0] >> 4, data[0] & 0x0F) if data else SelectedApplication()
