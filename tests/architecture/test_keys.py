"""What holds a key stays where it is: the head-end cannot even import it, and neither can the portal's own code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "openami"
HOLD_KEYS = {
    "openami.io.keystore.file_keystore",
    "openami.io.keystore.wrapped_keystore",
    "openami.io.keystore.meter_keys",
    "openami.io.keystore.hsm",
    "openami.io.keystore.key_folder",
    "openami.io.keystore.sealed_records",
    "openami.protocols.seal.closing",
    "openami.backoffice.authority.signing",
    "openami.backoffice.guard.guard",
}
HEADEND = sorted(path.stem for path in (SOURCE / "headend").glob("*.py") if path.stem != "__init__")


def test_the_head_end_imports_nothing_that_holds_a_key():
    code = "; ".join(f"import openami.headend.{name}" for name in HEADEND) + "; import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not HOLD_KEYS & set(loaded)
    assert "openami.headend.headend" in loaded


@pytest.mark.parametrize("room", ["portal", "headend", "field/collector"])
def test_no_file_of_these_rooms_names_what_holds_a_key(room):
    files = sorted((SOURCE / room).rglob("*.py"))
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in HOLD_KEYS, f"{path.name} imports {node.module}"


def test_what_is_looked_for_is_there():
    for name in HOLD_KEYS:
        assert (SOURCE.parent / (name.replace(".", "/") + ".py")).is_file(), name
