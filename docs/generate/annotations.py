"""Types as a reader wants them: without validators, and with the aliases of the package's own modules spelled out."""

import ast
from typing import Any

import griffe

PUBLIC_ALIASES = ("Offset", "CacheFormat", "CacheFormatName", "CheckpointStatus", "ETLStage")
CLEAR_WITHOUT = ("builtins", "np", "os", "pd", "pa")


def plain(annotation: Any, scope: griffe.Object) -> str:
    """An annotation as text.

    Args:
        annotation: What griffe found, or the text of a type.
        scope: Where its names are to be looked up.
    """
    return ast.unparse(_Plain(scope).visit(ast.parse(str(annotation), mode="eval").body))


class _Plain(ast.NodeTransformer):
    def __init__(self, scope: griffe.Object):
        self.scope = scope

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node:
            case ast.Subscript(value=ast.Name("Literal")):
                return node
            case ast.Subscript(value=ast.Name("Annotated"), slice=ast.Tuple(elts=[kind, *_])):
                return self.visit(kind)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return ast.Name(node.attr) if ast.unparse(node.value) in CLEAR_WITHOUT else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A type that is written as text."""
        return self.visit(ast.parse(node.value, mode="eval").body) if isinstance(node.value, str) else node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        found = None if node.id in PUBLIC_ALIASES else _alias(node.id, self.scope)
        return node if found is None else _Plain(found).visit(ast.parse(str(found.value), mode="eval").body)


def _alias(name: str, scope: griffe.Object) -> griffe.Attribute | None:
    """The alias of a type that a name stands for, if it is one of the package."""
    try:
        found = scope.modules_collection[scope.resolve(name)]
        found = found.final_target if found.is_alias else found
    except (griffe.NameResolutionError, griffe.AliasResolutionError, KeyError):
        return None
    if not found.is_attribute or found.value is None or "TypeVar" in str(found.value):
        return None
    return found
