"""A digest of source files that changes when the code does, and not when a comment does."""

import ast
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path


def digest_of_code(files: Iterable[Path]) -> str:
    """Return the hexadecimal SHA-256 of the syntax trees of Python files, without comments and docstrings."""
    trees = ((file.name, _WithoutDocstrings().visit(ast.parse(file.read_bytes()))) for file in sorted(files))
    return sha256("\0".join(f"{name}\0{ast.dump(tree)}" for name, tree in trees).encode()).hexdigest()


class _WithoutDocstrings(ast.NodeTransformer):
    """Removes statements that are nothing but a string."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node
