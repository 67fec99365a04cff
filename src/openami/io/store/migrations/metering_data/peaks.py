"""The highest interval of each stored block as a column, told from the blocks that are there."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

PAGE = 2_000
KEY = ("metering_point", "day", "channel", "version")
DAY_S = 86_400

BLOCK = sa.table(
    "interval_block",
    *(sa.column(name, sa.BigInteger()) for name in (*KEY, "resolution_s", "peak")),
    sa.column("energy", sa.LargeBinary()),
)


def add() -> None:
    """Add `peak`; it is 0 nowhere but where the highest interval is."""
    op.add_column("interval_block", sa.Column("peak", sa.BigInteger(), nullable=False, server_default="0"))
    connection = op.get_bind()
    key = [BLOCK.c[name] for name in KEY]
    same = sa.and_(*(column == sa.bindparam(f"of_{column.name}") for column in key))
    change = sa.update(BLOCK).where(same).values(peak=sa.bindparam("highest"))
    for page in _pages(connection):
        told = [
            {f"of_{name}": getattr(row, name) for name in KEY} | {"highest": _highest(row.energy, row.resolution_s)}
            for row in page
        ]
        connection.execute(change, told)
    if connection.dialect.name == "postgresql":  # SQLite keeps the default, and nobody relies on it
        op.alter_column("interval_block", "peak", server_default=None)


def _pages(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    """All blocks in the order of their key, some at a time."""
    key = [BLOCK.c[name] for name in KEY]
    query = sa.select(*key, BLOCK.c.resolution_s, BLOCK.c.energy).order_by(*key).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield page
        after = sa.tuple_(*key) > sa.tuple_(*(sa.literal(value, sa.BigInteger()) for value in page[-1][: len(KEY)]))
        page = connection.execute(query.where(after)).all()


def _highest(block: bytes, resolution_s: int) -> int:
    """The highest value of a packed block of this schema: the width of an item, then its bytes transposed."""
    size, count = block[0], DAY_S // resolution_s
    octets = zlib.decompress(block[1:])
    columns = [octets[at * count : (at + 1) * count] for at in range(size)]
    return max(int.from_bytes(bytes(item), "little", signed=True) for item in zip(*columns, strict=True))
