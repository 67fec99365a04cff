"""All drills: importing the files registers them."""

from __future__ import annotations

from openami.app.drills import (
    adapters,
    borders,
    callers,
    carriers,
    counting,
    decoding,
    doors,
    fallback,
    insiders,
    issuers,
    keys_and_logs,
    lines,
    mesh,
    meters,
    nonsense,
    optical_head,
    pages,
    ports,
    postmen,
    programs,
    proving,
    radio,
    recovery,
    stores,
    supply_chain,
    texts,
)
from openami.app.drills.drill import DRILLS, Drill

FILES = (
    postmen,
    insiders,
    meters,
    decoding,
    lines,
    proving,
    counting,
    ports,
    optical_head,
    adapters,
    radio,
    mesh,
    pages,
    recovery,
    keys_and_logs,
    carriers,
    borders,
    callers,
    nonsense,
    stores,
    programs,
    texts,
    doors,
    fallback,
    supply_chain,
    issuers,
)


def all_drills() -> list[Drill]:
    """Every drill, by id."""
    return sorted(DRILLS, key=lambda one: one.id)
