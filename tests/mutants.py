"""Small changes of source code that a good suite notices: one operator, constant, condition or statement each.

Left alone is what cannot matter or is not promised: annotations, docstrings, decorators, `__slots__`, imports, the
texts of errors and reasons.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

OTHER_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OTHER_OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
UNTOUCHED_FIELDS = {"annotation", "returns", "decorator_list", "type_comment"}


class Mutant(NamedTuple):
    """One change of a file: the line, what it was and is, and the whole source with it."""

    line: int
    change: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of `source`, in the order of its lines."""
    tree = ast.parse(source)
    for parent, field, index, node in list(_places(tree)):
        for other in _others(node):
            _put(parent, field, index, other)
            changed = ast.unparse(ast.fix_missing_locations(tree))
            _put(parent, field, index, node)
            yield Mutant(node.lineno, f"{_shown(node)} → {_shown(other)}", changed)


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, Any]]:
    for field, value in ast.iter_fields(node):
        if field in UNTOUCHED_FIELDS or (isinstance(node, ast.ClassDef) and field in {"bases", "keywords"}):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or _is_text(node, child) or _is_declaration(child):
                continue
            yield node, field, index, child
            yield from _places(child)


def _is_text(parent: ast.AST, child: ast.AST) -> bool:
    """Docstrings, f-strings, and what an error says."""
    if isinstance(child, ast.JoinedStr):
        return True
    a_string = isinstance(child, ast.Constant) and isinstance(child.value, str)
    return a_string and (isinstance(parent, ast.Expr) or _makes_an_error(parent))


def _makes_an_error(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).lower().endswith("error")


def _is_declaration(child: ast.AST) -> bool:
    match child:
        case ast.Import() | ast.ImportFrom() | ast.Assign(targets=[ast.Name("__slots__")]):
            return True
        case _:
            return False


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _others(node: ast.AST) -> Iterator[ast.AST]:
    yield from _statements(node) if isinstance(node, ast.stmt) else _expressions(node)


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If(_, body, orelse):
            yield ast.If(ast.Constant(True), body, orelse)
            yield ast.If(ast.Constant(False), body, orelse)
        case ast.Return(ast.Constant(None)):
            return
        case ast.Return(ast.expr()):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(ast.Call()) | ast.Raise() | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left, ops, comparators):
            for at, op in enumerate(ops):
                for other in OTHER_COMPARISONS[type(op)]:
                    yield ast.Compare(left, [*ops[:at], other(), *ops[at + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in OTHER_OPERATIONS:
            yield ast.BinOp(left, OTHER_OPERATIONS[type(op)](), right)
        case ast.Constant():
            yield from _constants(node)
        case ast.IfExp(_, body, orelse):
            yield body
            yield orelse


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int():
            yield ast.Constant(node.value + 1)
        case bytes():
            yield ast.Constant(node.value + b"x")
        case str():
            yield ast.Constant(node.value + "x")


def _shown(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node)).split("\n", 1)[0][:60]
