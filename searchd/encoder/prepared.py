"""A model ready to be opened: graph, weights, tokenizer and encoder.json in one folder.

Folders are written beside their final place and renamed, so two processes that prepare the same model at once
leave one result, and a reader never sees half of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from searchd.encoder.checkpoint import sha256
from searchd.encoder.native.packed import LAYOUT
from searchd.encoder.spec import ModelSpec, read_json
from searchd.errors import ModelError

FORMAT = 9  # of a prepared folder; a snapshot holds one, so raise its format too
_VECTORS = 8  # raised when the same weights give other vectors
MANIFEST = "encoder.json"
_STALE_S = 3600.0
FLOAT = "float"  # stem of the graph for accelerators, where the other one is in 8 bits


@dataclass(frozen=True, slots=True)
class Prepared:
    """One prepared folder. ``digests``: file name -> (bytes, SHA-256); the manifest itself is not among them."""

    folder: Path
    spec: ModelSpec
    precision: str
    fingerprint: str
    digests: dict[str, tuple[int, str]]

    @property
    def files(self) -> list[str]:
        """Names of all files, the manifest included."""
        return [*self.digests, MANIFEST]

    def graph(self, device: str) -> Path | None:
        """The graph that a device runs; None when it was not prepared for that device."""
        if device == "cpu" or self.precision == "exact" or self.spec.route == "onnx":
            return self.folder / "model.onnx"
        return self.folder / f"{FLOAT}.onnx" if f"{FLOAT}.onnx" in self.digests else None

    @property
    def has_kernel(self) -> bool:
        """Whether the layers were packed for the kernel: those of 8-bit models of a fitting shape are."""
        return LAYOUT in self.digests

    def verify(self) -> None:
        """Read every byte; ModelError names the file that is not what was prepared."""
        for name, (_size, digest) in self.digests.items():
            if sha256(self.folder / name) != digest:
                raise ModelError(f"{self.folder / name} is damaged: its SHA-256 changed", "prepare the model again")

    def save(self, target: Path) -> None:
        """Put all files into ``target``: hard links where possible, else copies."""
        for name in self.files:
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(self.folder / name, place)
            except FileExistsError:
                continue
            except OSError:  # another file system, or one without links
                shutil.copyfile(self.folder / name, place)


def fingerprint(spec: ModelSpec, digest: str, precision: str) -> str:
    """24 hexadecimal digits that change with anything that may change a vector; the model's name is not part of it."""
    facts = spec.as_json() | {
        "name": "",
        "languages": [],
        "weights": digest,
        "precision": precision,
        "format": _VECTORS,
    }
    if precision != "exact":
        facts["calibration"] = (resources.files("searchd.encoder") / "calibration.txt").read_text(encoding="utf-8")
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def open_folder(folder: Path) -> Prepared:
    """Read a prepared folder's manifest and compare sizes; ModelError names the file and its fault."""
    path = folder / MANIFEST
    values = read_json(path)
    try:
        if values["format"] != FORMAT:
            raise ModelError(f"{path} has format {values['format']}, this version reads {FORMAT}", "prepare it again")
        spec = ModelSpec.from_json(values["model"])
        digests = {str(name): (int(size), str(digest)) for name, (size, digest) in values["files"].items()}
        prepared = Prepared(folder, spec, str(values["precision"]), str(values["fingerprint"]), digests)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} is no manifest of a prepared model: {error!r}", "prepare it again") from error
    for name, (size, _digest) in digests.items():
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name} is missing", "prepare the model again")
        if (folder / name).stat().st_size != size:
            found = (folder / name).stat().st_size
            raise ModelError(f"{folder / name} has {found} bytes, {size} were prepared", "prepare the model again")
    return prepared


def publish(target: Path, spec: ModelSpec, precision: str, mark: str, write: Callable[[Path], None]) -> Prepared:
    """Let ``write`` fill a new folder, seal it with a manifest and rename it to ``target``; the first one wins."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    work = Path(tempfile.mkdtemp(prefix=".preparing-", dir=target.parent))
    try:
        write(work)
        files = {
            path.relative_to(work).as_posix(): (path.stat().st_size, sha256(path))
            for path in sorted(work.rglob("*"))
            if path.is_file()
        }
        facts = {"format": FORMAT, "model": spec.as_json(), "precision": precision, "fingerprint": mark, "files": files}
        (work / MANIFEST).write_text(json.dumps(facts, indent=1, sort_keys=True), encoding="utf-8")
        work.chmod(0o755)
        _rename(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return open_folder(target)


def _sweep(cache: Path) -> None:
    """Remove what processes that were killed left behind."""
    for left in (
        path for kind in ("preparing", "calibrating", "fetching", "broken") for path in cache.glob(f".{kind}-*")
    ):
        with contextlib.suppress(FileNotFoundError):  # another process sweeps too
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def _rename(work: Path, target: Path) -> None:
    """Move into place; when another process was faster its result stays, when a broken one is there it goes."""
    for path in filter(Path.is_file, work.rglob("*")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    try:
        work.rename(target)
    except OSError:  # the folder exists and is not empty
        try:
            open_folder(target)
        except ModelError:
            broken = Path(tempfile.mkdtemp(prefix=".broken-", dir=target.parent))
            target.rename(broken / "model")
            work.rename(target)
            shutil.rmtree(broken, ignore_errors=True)
