"""`column IN (many keys)` as one parameter: no limit on their number, and one statement however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator


class _Keys(TypeDecorator[Sequence[int]]):
    """A list of keys as text that the database reads: an array's where it has arrays, JSON otherwise. Drivers take far
    longer to bind an array number by number.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> str:
        listed = ",".join(map(str, value or ()))
        return f"{{{listed}}}" if dialect.name == "postgresql" else f"[{listed}]"


class _Among(FunctionElement[Any]):
    name = "among"
    inherit_cache = True
    type = NullType()  # a Boolean would be rendered as `… = 1` for SQLite, which then scans instead of searching


def among(column: ColumnElement[int], keys: Sequence[int] | str) -> ColumnElement[bool]:
    """Where `column` is one of `keys`, or of those given under this name when the query is executed."""
    bound = bindparam(keys, type_=_Keys()) if isinstance(keys, str) else bindparam(None, keys, type_=_Keys())
    return _Among(column, bound)


@compiles(_Among)
def _listed(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - parts that the compiler made


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY(CAST({keys} AS BIGINT[]))"
