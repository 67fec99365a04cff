"""The meter's own status byte beside each snapshot.

The bits are those of the AMR profile status of the IDIS and DSMR companion specifications (from public
implementations; the texts were not at hand): bit 0 critical error, 1 clock invalid, 2 data not valid, 3 daylight
saving, 5 clock adjusted, 7 power down. Only the first three say that the register at that stamp cannot be trusted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from openami.backoffice.mdm.blocks import Codes

CRITICAL_ERROR = 0x01
CLOCK_INVALID = 0x02
DATA_NOT_VALID = 0x04
POWER_DOWN = 0x80

DELIVERED = 0x40
"""Ours, in a bit that those specifications do not use: the row is no snapshot of a register but the energy of the
interval itself, as another party delivered it; its quality stands in the two bits at `DELIVERED_QUALITY`. What a meter
sends there is not kept.
"""
DELIVERED_QUALITY = 4
UNUSABLE = CRITICAL_ERROR | CLOCK_INVALID | DATA_NOT_VALID | DELIVERED


def usable(status: Codes) -> Any:
    """Where a snapshot may serve to derive energy. All snapshots are kept, whatever their status."""
    return (status & np.uint8(UNUSABLE)) == 0


def delivered(status: Codes) -> Any:
    """Where a row is the energy of an interval, not a snapshot."""
    return (status & np.uint8(DELIVERED)) != 0


def delivered_quality(status: Codes) -> Any:
    """The `Quality` of rows that are energies."""
    return (status >> np.uint8(DELIVERED_QUALITY)) & np.uint8(3)


def from_meter(status: Codes) -> Any:
    """A meter's own status byte without the bit that is ours."""
    return status & np.uint8(~DELIVERED & 0xFF)
