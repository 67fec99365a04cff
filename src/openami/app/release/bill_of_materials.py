"""The bill of materials of a release: what is in it, in CycloneDX 1.6 (JSON), and how an installation differs from it.

The document holds nothing that changes from one build to the next: its serial number is drawn from its content.
Field names are those of the CycloneDX 1.6 JSON schema as its public documentation shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from openami.app.release.lock_file import Locked

UNLOCKED = frozenset({"openami", "pip", "setuptools", "uv", "wheel"})
"""What an environment may have without the lock: ourselves, and what puts libraries in place."""


def installed() -> dict[str, Distribution]:
    """What this Python can import, by canonical name."""
    return {str(canonicalize_name(one.name)): one for one in distributions()}


def bill_of_materials(version: str, lock: Iterable[Locked], found: Mapping[str, Distribution]) -> bytes:
    """The document for OpenAMI `version` with the libraries of `lock`; licences and needs of those in `found`."""
    locked = list(lock)
    references = {one.name: _purl(one.name, one.version) for one in locked}
    us = _purl("openami", version)
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _component("application", "openami", version, us, found.get("openami"))},
        "components": [
            _component("library", one.name, one.version, references[one.name], found.get(one.name)) for one in locked
        ],
        "dependencies": [
            {"ref": reference, "dependsOn": _needs(found.get(name), references)}
            for name, reference in {"openami": us, **references}.items()
        ],
    }
    content["serialNumber"] = uuid5(NAMESPACE_OID, json.dumps(content, sort_keys=True)).urn
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _component(kind: str, name: str, version: str, reference: str, found: Distribution | None) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": kind,
        "bom-ref": reference,
        "name": name,
        "version": version,
        "purl": reference,
    }
    if found is not None and "License-Expression" in found.metadata:
        component["licenses"] = [{"expression": found.metadata["License-Expression"]}]
    return component


def _needs(found: Distribution | None, references: Mapping[str, str]) -> list[str]:
    """References of what a library asks for and the lock holds."""
    asked = [Requirement(one) for one in (found.requires if found is not None else None) or ()]
    return sorted({references[name] for one in asked if (name := str(canonicalize_name(one.name))) in references})


def differences(lock: Iterable[Locked], found: Mapping[str, Distribution]) -> list[str]:
    """What is installed and not locked, locked for this machine and missing, or there at another version; in words."""
    wanted = {one.name: one.version for one in lock if one.is_for_us}
    have = {name: one.version for name, one in found.items()}
    return sorted([*_strange(wanted, have), *_other(wanted, have)])


def _strange(wanted: Mapping[str, str], have: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {version} is installed, and the lock does not know it"
        for name, version in have.items()
        if name not in wanted and name not in UNLOCKED
    ]


def _other(wanted: Mapping[str, str], have: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {version} is locked, {f'{have[name]} is installed' if name in have else 'and missing'}"
        for name, version in wanted.items()
        if have.get(name) != version
    ]
