"""Reading the small subset of Python that models are written in, with :mod:`ast`; nothing is ever executed."""

from __future__ import annotations

import ast
import threading
import warnings

_WARNINGS = threading.Lock()

MAX_LENGTH = 10_000
"""Characters of one expression; beyond that it is no small one, and the parser's stack has an end."""


MAX_DEPTH = 100
"""Levels of an expression's tree."""


def parse_python(text: str) -> ast.expr | None:
    """The expression's tree, which may go over several lines; None if it is no expression."""
    if len(text) > MAX_LENGTH or not text.strip():
        return None
    # The parser warns of '\d' in a text, which is how SQL writes patterns. Whoever catches warnings changes a global.
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(f"(\n{text}\n)", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return None if _is_deep(tree) else tree


def _is_deep(tree: ast.expr) -> bool:
    """Whether a part lies deeper than MAX_DEPTH, so that whoever recurses over the tree would run out of stack."""
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def dotted(node: ast.expr) -> tuple[str, ...] | None:
    """``a.b['c'].d`` as its words; None if it is anything else."""
    words: list[str] = []
    while True:
        match node:
            case ast.Attribute(value=node, attr=word):
                words.append(word)
            case ast.Subscript(value=node, slice=ast.Constant(value=str() as word)):
                words.append(word)
            case ast.Name(id=word):
                return (word, *reversed(words))
            case _:
                return None
