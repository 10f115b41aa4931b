"""Real English text that every Python brings along: the docstrings of its standard library."""

from __future__ import annotations

import ast
import random
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path


def _docstrings() -> Iterator[str]:
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and len(text.split()) > 5:
                    yield " ".join(text.split())


def passages(count_tokens: Callable[[Sequence[str]], list[int]], tokens: int, most: int) -> list[str]:
    """``most`` passages of exactly ``tokens`` tokens as the model counts them, special tokens left out."""
    words = " ".join(_docstrings()).split()
    sizes = count_tokens(words)
    found: list[str] = []
    start = total = 0
    for at, size in enumerate(sizes):
        total += size
        if total >= tokens:
            if total == tokens:
                found.append(" ".join(words[start : at + 1]))
            start, total = at + 1, 0
    return random.Random(1).sample(found, min(most, len(found)))


def questions(most: int) -> list[str]:
    """First sentences of docstrings, of three to twelve words."""
    first = sorted({text.split(". ")[0].rstrip(".") for text in _docstrings()})
    return random.Random(2).sample([text for text in first if 3 <= len(text.split()) <= 12], most)
