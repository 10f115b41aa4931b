"""Text -> token ids, through the model's own tokenizer.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

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


class Tokens:
    """A tokenizer with its special tokens; safe for many threads at once."""

    def __init__(self, path: Path, max_length: int, lower_case: bool = False) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the binding raises bare Exception
            raise ModelError(f"{path} is no tokenizer: {error}", "prepare the model again") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
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

    @property
    def room(self) -> int:
        """Tokens of a text that fit, special tokens left out."""
        return self.max_length - len(self._first) - len(self._last)

    def _prepared(self, text: str) -> str:
        return clean(text).lower() if self._lower else clean(text)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, special tokens included, at most ``max_length``."""
        cut = [self._prepared(text[: self._cut]) for text in texts]
        encoded = self._tokenizer.encode_batch_fast(cut, add_special_tokens=False)
        return [self._first + encoding.ids[: self.room] + self._last for encoding in encoded]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each whole text, special tokens left out."""
        whole = [self._prepared(text) for text in texts]
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(whole, add_special_tokens=False)]
