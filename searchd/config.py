"""Settings from their four sources: flags beat environment beats file beats the defaults in ``searchd.settings``.

A key that nobody knows stops the start, with its line and the nearest known key. ``python -m searchd.config``
prints config.toml.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import math
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin
from urllib.parse import urlsplit

from searchd.errors import ConfigError
from searchd.settings import RESERVED_ENVIRONMENT, RankingSettings, Settings, SiteSettings

PREFIX = "ECHOLOT_"
DEFAULT_FILE = Path("config.toml")
Table = dict[str, Any]


class _Source:
    """Where a value came from, for error messages: a file with lines, the environment or a flag."""

    def __init__(self, name: str, text: str = "") -> None:
        self.name = name
        self.lines = text.splitlines()

    def place(self, path: tuple[str, ...]) -> str:
        """Return "config.toml, line 7" for ("crawl", "max_pages"), as precisely as the text allows."""
        *tables, key = path
        block = next((int(part) for part in tables if part.isdigit()), None)  # which of several [[site]]s
        table = ".".join(part for part in tables if not part.isdigit())
        current, blocks = "", -1
        for number, line in enumerate(self.lines, 1):
            if header := re.match(r"\s*(\[+)\s*([\w.\-]+)\s*\]+", line):
                current = header[2]
                blocks += len(header[1]) == 2
                found = current == (f"{table}.{key}" if table else key)
            else:
                found = current == table and bool(re.match(rf'\s*"?{re.escape(key)}"?\s*=', line))
            if found and block in (None, blocks):
                return f"{self.name}, line {number}"
        return self.name


def load(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings.

    file: a config.toml; None = ``config.toml`` in the working directory when there is one.
    environment: variables such as ECHOLOT_CRAWL_MAX_PAGES; None = the process's own.
    flags: dotted keys to texts ("crawl.max_pages": "10"), as ``--set`` gives them.

    Raises ConfigError, which names the place, the key and the fix.
    """
    environment = os.environ if environment is None else environment
    if file is None and (named := environment.get(PREFIX + "CONFIG")):
        file = Path(named)
    table: Table = {}
    source = _Source("the defaults")
    base = Path.cwd()
    if file is None and DEFAULT_FILE.is_file():
        file = DEFAULT_FILE
    if file is not None:
        table, source = _read(file)
        base = file.resolve().parent
    settings = _build(Settings, table, (), source)
    if "data" in table:
        settings = dataclasses.replace(settings, data=str(base / settings.data))
    overrides = [(key, text, _Source("the environment")) for key, text in _from_environment(environment)]
    overrides += [(key, text, _Source("the command line")) for key, text in (flags or {}).items()]
    for key, text, origin in overrides:
        settings = _override(settings, key.split("."), text, origin, key)
    settings = _finish(settings, source, {key for key, _, _ in overrides}, table)
    sites = tuple(dataclasses.replace(site, ranking=_placed(site.ranking, base)) for site in settings.site)
    return dataclasses.replace(settings, ranking=_placed(settings.ranking, base), site=sites)


def _placed(ranking: RankingSettings, base: Path) -> RankingSettings:
    """Paths relative to the file that names them."""

    def placed(path: str) -> str:
        return str(base / Path(path).expanduser()) if path else ""

    return dataclasses.replace(ranking, questions=placed(ranking.questions), rerank_model=placed(ranking.rerank_model))


def _read(file: Path) -> tuple[Table, _Source]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", "name an existing file with --config") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 at byte {error.start}", "save the file as UTF-8") from error
    try:
        return tomllib.loads(text), _Source(str(file), text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}", "texts stand in quotes, lists in [ ], one key = value a line") from error


def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(cls: type, table: Table, path: tuple[str, ...], source: _Source, base: object | None = None) -> Any:
    """Make a settings dataclass of a TOML table; ``base`` holds the values of keys that the table leaves out."""
    hints = _hints(cls)
    values: Table = {}
    for key, value in table.items():
        if key not in hints:
            raise _unknown(key, hints, (*path, key), source)
        inherited = getattr(base, key) if base is not None else None
        values[key] = _within(cls, _convert(hints[key], value, (*path, key), source, inherited), (*path, key), source)
    if base is not None:
        return dataclasses.replace(cast("Any", base), **values)
    return cls(**values)


def _unknown(key: str, known: Mapping[str, Any], path: tuple[str, ...], source: _Source) -> ConfigError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    dotted = ".".join(part for part in path if not part.isdigit())
    fix = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
    return ConfigError(f"{source.place(path)}: unknown key {dotted!r}", fix)


def _convert(hint: Any, value: Any, path: tuple[str, ...], source: _Source, inherited: object = None) -> Any:
    origin = get_origin(hint)
    if dataclasses.is_dataclass(hint):
        if isinstance(value, dict):
            return _build(cast("type", hint), value, path, source, inherited)
        raise _wrong(path, source, "a table", value)
    if origin is tuple:
        return _convert_list(hint, value, path, source)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(path, source, "a table", value)
        inner = get_args(hint)[1]
        return {key: _convert(inner, item, (*path, key), source) for key, item in value.items()}
    if origin is Literal:
        if value in get_args(hint):
            return value
        raise _wrong(path, source, "one of " + ", ".join(repr(choice) for choice in get_args(hint)), value)
    if origin in (Union, types.UnionType):
        inner = next(option for option in get_args(hint) if option is not type(None))
        return _convert(inner, value, path, source)
    return _convert_plain(hint, value, path, source)


def _convert_list(hint: Any, value: Any, path: tuple[str, ...], source: _Source) -> tuple[Any, ...]:
    inner, *rest = get_args(hint)
    if not isinstance(value, list):
        raise _wrong(path, source, "a list", value)
    if rest == [Ellipsis]:
        return tuple(_convert(inner, item, (*path, str(i)), source) for i, item in enumerate(value))
    kinds = (inner, *rest)
    if len(kinds) != len(value):
        raise _wrong(path, source, f"a list of {len(kinds)}", value)
    pairs = zip(kinds, value, strict=True)
    return tuple(_convert(kind, item, (*path, str(i)), source) for i, (kind, item) in enumerate(pairs))


def _convert_plain(hint: type, value: Any, path: tuple[str, ...], source: _Source) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and not (hint is not bool and isinstance(value, bool)):
        return value
    names = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
    raise _wrong(path, source, names.get(hint, str(hint)), value)


def _within(cls: type, value: Any, path: tuple[str, ...], source: _Source) -> Any:
    """The value, unless it is a number outside of its setting's bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    bounds = next(field.metadata for field in dataclasses.fields(cls) if field.name == path[-1])
    if bounds["least"] <= value <= bounds["most"]:
        return value
    high = "" if math.isinf(bounds["most"]) else f" and at most {bounds['most']:g}"
    raise _wrong(path, source, f"at least {bounds['least']:g}{high}", value)


def _wrong(path: tuple[str, ...], source: _Source, wanted: str, value: object) -> ConfigError:
    key_path = path
    while key_path and key_path[-1].isdigit():
        key_path = key_path[:-1]
    dotted = ".".join(part for part in key_path if not part.isdigit())
    return ConfigError(f"{source.place(key_path)}: {dotted} = {value!r}", f"it must be {wanted}")


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    known = {_variable(key): key for key in scalar_keys(Settings)}
    for name, text in sorted(environment.items()):
        if not name.startswith(PREFIX) or name == PREFIX + "CONFIG" or name.startswith(RESERVED_ENVIRONMENT):
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "unset it"
            raise ConfigError(f"the environment: unknown variable {name}", hint)
        yield known[name], text


def _variable(key: str) -> str:
    return PREFIX + key.replace(".", "_").upper()


def scalar_keys(cls: type, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the dotted keys that a flag or an environment variable can set; lists are comma-separated."""
    for name, hint in _hints(cls).items():
        if dataclasses.is_dataclass(hint):
            yield from scalar_keys(cast("type", hint), (*path, name))
        elif hint in (str, int, float, bool, tuple[str, ...]) or get_origin(hint) is Literal:
            yield ".".join((*path, name))


def _override(node: Any, keys: list[str], text: str, source: _Source, dotted: str) -> Any:
    hints = _hints(type(node))
    head, *rest = keys
    if head not in hints or (rest and not dataclasses.is_dataclass(hints[head])):
        raise _unknown(head, hints, tuple(dotted.split(".")), source)
    if rest:
        return dataclasses.replace(node, **{head: _override(getattr(node, head), rest, text, source, dotted)})
    path = tuple(dotted.split("."))
    value = _within(type(node), _convert(hints[head], _parse(hints[head], text), path, source), path, source)
    return dataclasses.replace(node, **{head: value})


def _parse(hint: Any, text: str) -> object:
    """Read a flag's text as the TOML value that the hint wants; what cannot be read stays text and is refused later."""
    if hint == tuple[str, ...]:
        if text.lstrip().startswith("["):  # as in the file
            with contextlib.suppress(tomllib.TOMLDecodeError):
                return tomllib.loads(f"list = {text}")["list"]
        return [part.strip() for part in text.split(",") if part.strip()]
    if hint is bool:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            return text
    return text


def _finish(settings: Settings, source: _Source, overridden: set[str], table: Table) -> Settings:
    """Fill each site: its tables start from the global ones; flags and environment go above both."""
    raw_sites = table.get("site", [])
    sites = []
    for number, raw in enumerate(raw_sites):
        base = dataclasses.replace(SiteSettings(), **{name: getattr(settings, name) for name in SITE_TABLES})
        site = cast("SiteSettings", _build(SiteSettings, raw, ("site", str(number)), source, base))
        for key in overridden:
            head, *rest = key.split(".")
            if head in SITE_TABLES and rest:
                current = getattr(site, head)
                replaced = dataclasses.replace(current, **{rest[0]: getattr(getattr(settings, head), rest[0])})
                site = dataclasses.replace(site, **{head: replaced})
        sites.append(_named(site, source, number))
    doubled = {site.name for site in sites if [other.name for other in sites].count(site.name) > 1}
    if doubled:
        raise ConfigError(
            f"{source.name}: several [[site]]s are named {sorted(doubled)[0]!r}", "give each its own name"
        )
    return dataclasses.replace(settings, site=tuple(sites))


SITE_TABLES = ("crawl", "extract", "model", "index", "ranking")


def _named(site: SiteSettings, source: _Source, number: int) -> SiteSettings:
    place = source.place(("site", str(number), "url"))
    return dataclasses.replace(site, name=site.name or site_name(site.url, place)) if valid(site, place) else site


def valid(site: SiteSettings, place: str) -> bool:
    """Check what one site must have: an http(s) URL, a name that can be a folder, languages by their codes."""
    if site.name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\-]*", site.name):
        raise ConfigError(f"{place}: site name {site.name!r}", "use letters, digits, '.', '_' and '-'")
    parts = urlsplit(site.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{place}: url = {site.url!r}", "give the full address, like https://www.example.org/")
    unread = next((tag for tag in site.languages if not re.fullmatch("[a-z]{2,3}", tag)), None)
    if unread is not None:
        raise ConfigError(f"{place}: languages = {unread!r}", "name each by its ISO 639 code, like en or de")
    return True


def site_name(url: str, place: str = "--url") -> str:
    """Return the folder name for a site: its host, and its port where one is written."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"{place}: {url!r} is not a web address", "give the full address, like https://www.example.org/"
        )
    host = parts.hostname.strip("[]").replace(":", "-")
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{place}: {url!r} has a bad port", "a port is a number from 1 to 65535") from error
    return f"{host}-{port}" if port else host


def adhoc_site(settings: Settings, url: str) -> SiteSettings:
    """Return the configured site with this URL, else one made of the global tables."""
    for site in settings.site:
        if site.url == url:
            return site
    tables = {name: getattr(settings, name) for name in SITE_TABLES}
    return SiteSettings(name=site_name(url), url=url, **tables)


def render() -> str:
    """Return config.toml: every setting with its help and default, commented out where a site must choose."""
    lines = [
        "# Echolot's settings. Every line shows a default: change it here, or leave it out.",
        "# Flags beat environment variables (ECHOLOT_CRAWL_MAX_PAGES=100) beat this file.",
        "",
    ]
    lines += _render_table(Settings())
    tables = [f for f in dataclasses.fields(Settings) if dataclasses.is_dataclass(_hints(Settings)[f.name])]
    for item in tables:
        cls = _hints(Settings)[item.name]
        lines += ["", f"[{item.name}]  # {(cls.__doc__ or '').splitlines()[0]}"]
        lines += _render_table(cls())
    lines += ["", "# One block for each website; several may follow one another.", "# [[site]]"]
    lines += ["# " + line for line in _render_table(SiteSettings())]
    lines += ["# Any table above may be changed for one site: [site.crawl], [site.model] ...", ""]
    return "\n".join(lines)


def _render_table(table: Any) -> list[str]:
    lines = []
    for item in dataclasses.fields(table):
        if "help" in item.metadata:
            lines += [f"{item.name} = {_toml(getattr(table, item.name))}  # {item.metadata['help']}"]
    return lines


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return repr(value)


if __name__ == "__main__":
    print(render(), end="")
