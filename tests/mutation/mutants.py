"""The mutants of a module: one small change each, such as ``a < b`` to ``a <= b``."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COMPARE = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
LEFT = ("description", "title", "examples", "frozen", "slots", "stacklevel", "strict")
"""Keywords that are left alone: what only people read, or what only forbids."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module: where, and the text that takes the place of the text there."""

    name: str
    """``path::function: before -> after``, which stays when other lines of the module change."""
    path: str
    first: int
    last: int
    start: int
    end: int
    text: str

    def source(self, original: bytes) -> bytes:
        """The changed module."""
        return original[: self.start] + self.text.encode() + original[self.end :]


def mutants(path: str, original: bytes) -> list[Mutant]:
    """All mutants of a module, in the order of the source."""
    starts = [0]
    for line in original.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    found: list[Mutant] = []
    names: Counter[str] = Counter()
    for where, node, text in _changes(ast.parse(original), ""):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        before = " ".join(original[start:end].decode().split())
        name = f"{path}::{where or '<module>'}: {before} -> {text}"
        names[name] += 1
        if names[name] > 1:
            name = f"{name} #{names[name]}"
        found.append(Mutant(name, path, node.lineno, node.end_lineno, start, end, text))
    return found


def _changes(node: ast.AST, where: str) -> Iterator[tuple[str, ast.expr | ast.stmt, str]]:
    """The nodes to replace and the text in their place, with the dotted name of the function around them."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}".lstrip(".")
    if isinstance(node, ast.stmt):
        yield from ((where, node, ast.unparse(other)) for other in _other_statements(node))
    if isinstance(node, ast.expr):
        yield from ((where, node, f"({ast.unparse(other)})") for other in _other_expressions(node))
    for test in _conditions(node):
        yield where, test, f"(not ({ast.unparse(test)}))"
    for child in _children(node):
        yield from _changes(child, where)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What is below a node and runs: no annotations, no docstrings, no names that are exported."""
    if isinstance(node, ast.JoinedStr):  # its parts have no place of their own before Python 3.12
        return
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params") or (name == "keys" and isinstance(node, ast.MatchMapping)):
            continue
        for child in field if isinstance(field, list) else [field]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.keyword) and child.arg in LEFT:
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.Assign) and ast.unparse(child.targets[0]) == "__all__":
                continue
            yield child


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                yield _with(node, ops=[*ops[:place], COMPARE[type(op)](), *ops[place + 1 :]])
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)):
            yield ast.Constant("" if value else "XX")
        case ast.Constant(value=bytes(value)):
            yield ast.Constant(b"" if value else b"XX")
        case ast.JoinedStr():
            yield ast.Constant("")
        case ast.Call(keywords=keywords):
            for keyword in keywords:
                if keyword.arg and keyword.arg not in LEFT:
                    yield _with(node, keywords=[other for other in keywords if other is not keyword])


def _other_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.Raise() | ast.Delete():
            yield ast.Pass()
        case ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _conditions(node: ast.AST) -> list[ast.expr]:
    """Conditions to turn round, but for those that a changed operator turns round."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            tests = [test]
        case ast.comprehension(ifs=tests):
            pass
        case _:
            tests = []
    return [test for test in tests if not isinstance(test, ast.Compare | ast.UnaryOp | ast.BoolOp | ast.Constant)]


def _with(node: Any, **fields: object) -> Any:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other
