"""Where a meter takes envelopes: two objects of class Data, at names that the standard leaves to manufacturers."""

from __future__ import annotations

from typing import Final

from openami.model.obis import ObisCode

SEALED_COMMAND: Final = ObisCode(0, 0, 128, 0, 0)
"""SET of attribute 2 brings an envelope; GET tells what became of the last one."""
CHALLENGE: Final = ObisCode(0, 0, 128, 0, 1)
"""Each GET of attribute 2 gives a new challenge."""
