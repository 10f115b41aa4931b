"""Flags that both programs share, and how an error ends a program."""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from searchd import config, disk, logs
from searchd.errors import ConfigError, EcholotError
from searchd.settings import Settings

EXIT_CODES = """\
exit status:
   0 done                          6 a model is missing or damaged
   1 a bug of ours                 7 a snapshot is missing or damaged
   2 wrong setting or flag         8 the data folder cannot be read or written
   3 another indexer is at work    9 a query makes no sense
   4 the site is unusable        130 interrupted
   5 the publish guard refused"""


def common(parser: argparse.ArgumentParser) -> None:
    """Add --config, --data, --set and --log-format."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: ./config.toml if there)")
    parser.add_argument("--data", metavar="DIR", help="folder for crawl state and snapshots (setting: data)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any setting, like crawl.max_pages=100"
    )
    parser.add_argument("--log-format", choices=("text", "json"), help="lines for people or for machines")


def settings(args: argparse.Namespace, **flags: object) -> Settings:
    """Load the settings with the shared flags and ``flags`` (dotted keys with '__' for '.') on top."""
    given: dict[str, str] = {}
    for pair in args.set:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set {pair}", "write KEY=VALUE, like --set crawl.max_pages=100")
        given[key.strip()] = value.strip()
    if args.data is not None:
        given["data"] = args.data
    if args.log_format is not None:
        given["log.format"] = args.log_format
    given |= {key.replace("__", "."): str(value) for key, value in flags.items() if value is not None}
    loaded = config.load(args.config, flags=given)
    logs.configure(loaded.log)
    return loaded


def end(program: Callable[[], int]) -> int:
    """Run a program; an error becomes its message, its hint and its exit status."""
    try:
        return program()
    except EcholotError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        _say("interrupted; what was fetched is kept, the next run goes on from there")
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: a bug becomes exit status 1 with its traceback
        if (refused := disk.refusal(error)) is not None:
            return _refuse(refused)
        traceback.print_exc()
        _say("error: this is a bug. Please report it with the lines above.")
        return 1


def _refuse(error: EcholotError) -> int:
    _say(f"error: {error.message}")
    if error.hint:
        _say(f"  what to do: {error.hint}")
    return error.exit_code


def _say(line: str) -> None:
    if logging.getLogger().handlers and isinstance(logging.getLogger().handlers[0].formatter, logs.JsonFormatter):
        logging.getLogger("echolot").error("%s", line)
    else:
        print(line, file=sys.stderr)
