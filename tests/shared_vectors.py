"""The conformance vectors that lie beside the project; tests that need them are skipped where they are absent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("OPENAMI_SHARED", Path(__file__).parents[2] / "shared"))
VECTORS = ROOT / "vectors"
NEEDED = pytest.mark.skipif(not VECTORS.exists(), reason="the vectors are not beside the project")
TERMS = ("own", "permissive", "gpl", "unlicensed")


def vectors(protocol: str, category: str) -> list[dict[str, Any]]:
    """All vectors of `protocol` (folder) and `category` (file name without ending), whatever their terms."""
    files = [VECTORS / protocol / terms / f"{category}.json" for terms in TERMS]
    return [entry for file in files if file.exists() for entry in json.loads(file.read_text())]
