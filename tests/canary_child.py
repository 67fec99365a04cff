"""`openami` as it is, or, if CANARY_LEAK names an installation, with the guard removed that keeps keys out of the DMZ:
this process opens the keystore and holds what is in it, and what it was told is on its standard error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from openami.cli import main

HELD = []


def leak(settings: Path) -> None:
    """Hold every key of the installation."""
    from openami.app.installation import Installation

    keystore = Installation.load(settings).open_keystore()
    HELD.extend(keystore.meter_keys(title) for title in keystore.system_titles())
    HELD.extend(key.global_unicast_encryption_key.hex() for key in list(HELD))
    print(HELD[0], file=sys.stderr, flush=True)


if os.environ.get("CANARY_LEAK"):
    leak(Path(os.environ["CANARY_LEAK"]))
main()
