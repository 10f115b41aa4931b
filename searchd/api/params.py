"""Parameters: one description that parses query strings, checks JSON bodies and renders JSON Schema.

Parsing is pure and strict. What a schema allows is accepted, what it does not allow is a 400 that names the
parameter and the fix; a test generates both kinds.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from searchd.api.errors import ApiError

Kind = Literal["string", "integer", "boolean"]
Arguments = dict[str, Any]

_CONTROL = "\\u0000-\\u001f\\u007f-\\u009f"
# Printable text (ECMA-262 and Python read both patterns alike): without control characters ...
PLAIN = f"^[^{_CONTROL}]*$"
# ... and with at least one character that is not white space.
TEXT = f"^[^{_CONTROL}]*[^{_CONTROL}\\s][^{_CONTROL}]*$"
URL = f"^https?://[^{_CONTROL}\\s]+$"
LANG = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
DATE = "^(19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}$"  # the index counts days from 1970-01-01

# Spellings that people try first, and what they are called here.
ALIASES = {
    "query": "q",
    "text": "q",
    "section": "category",
    "kind": "type",
    "prefix": "path",
    "size": "limit",
    "count": "limit",
    "start": "offset",
    "page": "offset",
    "language": "lang",
    "date_from": "from",
    "date_to": "to",
}
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. ``many`` makes it a list: repeated in a query string, an array in JSON."""

    name: str
    help: str
    kind: Kind = "string"
    many: bool = False
    required: bool = False
    default: Any = None
    minimum: int = 0
    maximum: int = 0
    choices: tuple[str, ...] = ()
    pattern: str = ""
    format: str = ""
    max_length: int = 0
    max_items: int = 20
    example: Any = None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12, as OpenAPI 3.1 uses it)."""
        item = self._item_schema()
        if not self.many:
            return item if self.default is None else {**item, "default": self.default}
        limits = {"minItems": 1} if self.required else {}
        return {"type": "array", "items": item, **limits, "maxItems": self.max_items}

    def _item_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": self.kind}
        if self.kind == "integer":
            schema |= {"minimum": self.minimum, "maximum": self.maximum}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.pattern:
            schema["pattern"] = self.pattern
        if self.format:
            schema["format"] = self.format
        if self.max_length:
            schema |= {"minLength": int(self.required or self.many), "maxLength": self.max_length}
        return schema

    def from_texts(self, texts: Sequence[str]) -> object:
        """Read what a query string holds under this name."""
        if self.many:
            return self._list([self._from_text(text) for text in texts])
        if len(texts) > 1:
            raise self.wrong("is given more than once", "give it once")
        return self._check(self._from_text(texts[0]))

    def _from_text(self, text: str) -> object:
        if self.kind == "integer":
            if not re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII):
                raise self.wrong(f"is not a whole number: {shown(text)}", self._range())
            return int(text)
        if self.kind == "boolean":
            if text.lower() not in _TRUTH:
                raise self.wrong(f"is neither true nor false: {shown(text)}", "use 1 or 0")
            return _TRUTH[text.lower()]
        return text

    def from_json(self, value: object) -> object:
        """Read what a JSON object holds under this name."""
        if not self.many:
            return self._check(value)
        if not isinstance(value, list):
            raise self.wrong("is not an array", f'for example ["{self.example or "..."}"]')
        return self._list(value)

    def _list(self, values: Sequence[object]) -> tuple[Any, ...]:
        if len(values) > self.max_items:
            raise self.wrong(f"has {len(values)} values", f"at most {self.max_items} are allowed")
        if self.required and not values:
            raise self.wrong("is empty", "give at least one value")
        return tuple(self._check(value) for value in values)

    def _check(self, value: object) -> object:
        if self.kind == "boolean":
            if not isinstance(value, bool):
                raise self.wrong("is neither true nor false", "use true or false")
            return value
        if self.kind == "integer":
            return self._check_integer(value)
        if not isinstance(value, str):
            raise self.wrong("is not a text", "put it in quotes")
        return self._check_text(value)

    def _check_integer(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise self.wrong("is not a whole number", self._range())
        if not self.minimum <= value <= self.maximum:
            raise self.wrong(f"is {int(value)}", self._range())
        return int(value)

    def _range(self) -> str:
        return f"use a whole number from {self.minimum} to {self.maximum}"

    def _check_text(self, text: str) -> str:
        if self.max_length and len(text) > self.max_length:
            raise self.wrong(f"has {len(text)} characters", f"at most {self.max_length} are allowed")
        if self.choices and text not in self.choices:
            raise self.wrong(f"is {shown(text)}", "use one of " + ", ".join(self.choices))
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self.wrong("is not valid Unicode", "remove the lone surrogates")
        if self.pattern and not re.search(self.pattern, text):
            raise self._mismatch(text)
        if self.format == "date":
            self._check_date(text)
        return text

    def _mismatch(self, text: str) -> ApiError:
        if self.pattern in (TEXT, PLAIN, URL) and not re.search(PLAIN, text):
            return self.wrong("holds control characters", "remove them")
        if self.pattern == TEXT:
            return self.wrong("is empty", "ask for at least one word")
        wanted = {
            URL: "an http or https address",
            LANG: "a language code such as en or de",
            DATE: "a date from 1970 on, YYYY-MM-DD",
        }
        return self.wrong(f"is {shown(text)}", f"use {wanted.get(self.pattern, 'text that matches ' + self.pattern)}")

    def _check_date(self, text: str) -> None:
        try:
            datetime.date.fromisoformat(text)
        except ValueError as error:
            raise self.wrong(f"is {shown(text)}", "use a date that exists, YYYY-MM-DD") from error

    def wrong(self, problem: str, fix: str) -> ApiError:
        """Return the 400 that names this parameter."""
        return ApiError(400, f"{self.name} {problem}", fix)


def shown(text: str, limit: int = 60) -> str:
    """Return a caller's text for an error message: quoted, escaped and short."""
    return ascii(text[:limit]) + ("..." if len(text) > limit else "")


def from_query_string(params: Mapping[str, Param], given: Iterable[tuple[str, list[str]]]) -> Arguments:
    """Read a query string's (name, texts) pairs; missing parameters get their defaults.

    Raises ApiError (400) for an unknown or missing parameter and for a value that the schema does not allow.
    """
    values = {name: _known(params, name).from_texts(texts) for name, texts in given}
    return _complete(params, values)


def from_json_body(params: Mapping[str, Param], body: object) -> Arguments:
    """Read a JSON body, which must be an object; otherwise as ``from_query_string``."""
    if not isinstance(body, dict):
        raise ApiError(400, "the body is not a JSON object", 'for example {"q": "opening hours"}')
    values = {str(name): _known(params, str(name)).from_json(value) for name, value in body.items()}
    return _complete(params, values)


def _known(params: Mapping[str, Param], name: str) -> Param:
    if param := params.get(name):
        return param
    alias = ALIASES.get(name)
    near = [alias] if alias in params else difflib.get_close_matches(name[:40], params, n=1)
    known = f"did you mean {near[0]!r}?" if near else "known here: " + ", ".join(params)
    raise ApiError(400, f"unknown parameter {shown(name)}", known)


def _complete(params: Mapping[str, Param], values: Arguments) -> Arguments:
    for name, param in params.items():
        if name not in values:
            if param.required:
                raise param.wrong("is missing", param.help)
            values[name] = () if param.many else param.default
    return values
