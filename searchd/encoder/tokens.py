"""Text -> token ids, through the model's own tokenizer.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from searchd.encoder.unigram import PIECES, Unigram, is_unigram, split_tokenizer
from searchd.errors import ModelError

# A token spans at most about this many characters in ordinary text; what lies beyond max_length such tokens
# cannot reach the model and is cut before it costs time (1 MB in one field).
_CHARACTERS_PER_TOKEN = 128


def clean(text: str) -> str:
    """Join surrogate pairs and replace lone surrogates, which no tokenizer takes, by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def write_tokenizer(tokenizer: bytes, folder: Path) -> None:
    """Store a tokenizer.json in the form that ``Tokens`` opens fastest; ModelError when it is none."""
    try:
        if is_unigram(tokenizer):
            split_tokenizer(tokenizer, folder)
        else:
            (folder / "tokenizer.json").write_bytes(tokenizer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"the model's tokenizer.json is damaged: {error!r}", "install the model again") from error


class Tokens:
    """A tokenizer with its special tokens; safe for many threads at once."""

    def __init__(self, folder: Path, max_length: int, lower_case: bool = False) -> None:
        path = folder / "tokenizer.json"
        try:
            shell = json.loads(path.read_text(encoding="utf-8"))
            facts = shell.pop("echolot", None)
            self._tokenizer = Tokenizer.from_str(json.dumps(shell)) if facts else Tokenizer.from_file(str(path))
        except Exception as error:  # the binding raises bare Exception
            raise ModelError(f"{path} is no tokenizer: {error}", "prepare the model again") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._unigram = Unigram(self._tokenizer, facts, folder / PIECES) if facts else None
        self._lower = lower_case
        self.max_length = max_length
        self._first, self._last = self._frame()
        self._cut = _CHARACTERS_PER_TOKEN * max_length

    def _frame(self) -> tuple[list[int], list[int]]:
        """Ids that stand before and after every text."""
        inner = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        for start in range(len(whole) - len(inner) + 1):
            if whole[start : start + len(inner)] == inner:
                return whole[:start], whole[start + len(inner) :]
        raise ModelError("the tokenizer changes a text when it adds special tokens")

    def inside(self, prompt: str) -> slice:
        """Where the text stands among its ``ids``, between the special tokens and behind the prompt."""
        return slice(len(self._first) + self.count([prompt.strip()])[0], -len(self._last) or None)

    @property
    def room(self) -> int:
        """Tokens of a text that fit, special tokens left out."""
        return self.max_length - len(self._first) - len(self._last)

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each whole text without special tokens."""
        ready = [clean(text).lower() if self._lower else clean(text) for text in texts]
        if self._unigram:
            return self._unigram.encode(ready)
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(ready, add_special_tokens=False)]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, special tokens included, at most ``max_length``."""
        rows = self._plain([text[: self._cut] for text in texts])
        return [self._first + row[: self.room] + self._last for row in rows]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, special tokens left out."""
        return [len(row) for row in self._plain(texts)]
