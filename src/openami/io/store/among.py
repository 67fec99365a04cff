"""`column IN (many keys)` as one parameter: no limit on their number, and one statement however many there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine


class _Keys(TypeDecorator[Sequence[int]]):
    """A list of keys as the driver takes it: an array where the database has arrays, JSON otherwise."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(BigInteger()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        keys = list(value or ())
        return keys if dialect.name == "postgresql" else json.dumps(keys)


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
    return f"{column} = ANY({keys})"
