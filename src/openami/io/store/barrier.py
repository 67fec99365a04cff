"""Many writers share a gate, one closes it: who closes it waits for all that went through before."""

from __future__ import annotations

from sqlalchemy import Connection, text

GATE = 0x4F70656E414D49  # any number that is always the same


def pass_gate(connection: Connection) -> None:
    """Until this transaction ends nobody gets through `close_gate`. Where there is one writer it is so anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock_shared(:gate)"), {"gate": GATE})


def close_gate(connection: Connection) -> None:
    """Wait for every transaction that passed the gate and has not ended; who comes later sees what this one wrote."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:gate)"), {"gate": GATE})
