"""Snapshots on disk: staged, sealed with checksums, published by rename, opened, rolled back.

    <site>/staged/                one snapshot being built; the indexer's lock guards it
    <site>/snapshots/<id>/        published; never changes again
    <site>/CURRENT                the id being served; replaced by rename, folder fsynced

The hashes are mandatory: a flipped bit loads silently in FAISS 15 times out of 16.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchd.errors import SnapshotError, StorageError
from searchd.text.analysis import ANALYSIS_VERSION

#: Of all files, those of the prepared model included, and of the terms in them.
FORMAT = 600 + ANALYSIS_VERSION
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}(-[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot says of itself. ``facts`` holds everything but the files' checksums."""

    format: int
    facts: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]]  # relative path -> (bytes, SHA-256)

    @property
    def digest(self) -> str:
        """The digest of what the snapshot was built from; equal digests mean that nothing changed."""
        return str(self.facts.get("digest", ""))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One published snapshot whose files were verified when it was opened."""

    id: str
    folder: Path
    manifest: Manifest


def seal(folder: Path, facts: Mapping[str, Any]) -> Manifest:
    """Hash and fsync every file of a staged snapshot, then write its manifest. Raises StorageError."""
    files: dict[str, tuple[int, str]] = {}
    with _storage(folder):
        (folder / MANIFEST).unlink(missing_ok=True)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            files[file.relative_to(folder).as_posix()] = (file.stat().st_size, _sha256(file))
            _fsync(file)
        body = {"format": FORMAT, "facts": dict(facts), "files": {name: list(entry) for name, entry in files.items()}}
        _write_atomically(folder / MANIFEST, json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        for directory in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
            _fsync(directory)
    return Manifest(FORMAT, dict(facts), files)


def publish(site: Path, staged: Path, now: datetime.datetime) -> str:
    """Move a sealed snapshot among the published ones and make it the served one; return its id.

    Both steps are renames, so a reader (or a kill -9) sees either the old state or the new one.
    Raises SnapshotError when ``staged`` is not sealed, StorageError when the disk fails.
    """
    manifest = read_manifest(staged)
    base = f"{now.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}-{manifest.digest[:8] or '00000000'}"
    with _storage(site):
        snapshots = site / "snapshots"
        snapshots.mkdir(parents=True, exist_ok=True)
        identifier, again = base, 1
        while (snapshots / identifier).exists():
            again += 1
            identifier = f"{base}-{again}"
        staged.rename(snapshots / identifier)
        _fsync(snapshots)
    serve(site, identifier)
    return identifier


def serve(site: Path, identifier: str) -> None:
    """Make a published snapshot the served one. Raises SnapshotError when there is none of that id."""
    if not (site / "snapshots" / identifier / MANIFEST).is_file():
        raise SnapshotError(f"{site.name}: no snapshot {identifier}", "see `indexer snapshots`")
    with _storage(site):
        _write_atomically(site / CURRENT, identifier + "\n")
        _fsync(site)


def current(site: Path) -> str:
    """Return the id that CURRENT names, "" when nothing was published yet. Raises SnapshotError, StorageError."""
    try:
        text = (site / CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        text = "?"
    except OSError as error:
        raise StorageError(f"{site / CURRENT}: {error.strerror}", "check the data folder's permissions") from error
    if not _ID.fullmatch(text):
        raise SnapshotError(
            f"{site / CURRENT} is damaged", "run `indexer rollback --to ID` with an id of `indexer snapshots`"
        )
    return text


def day_of(identifier: str) -> str:
    """The day on which a snapshot was published, as ISO 8601 (UTC); "" for what is no id."""
    return f"{identifier[:4]}-{identifier[4:6]}-{identifier[6:8]}" if _ID.fullmatch(identifier) else ""


def published(site: Path) -> list[str]:
    """Return the ids of all published snapshots, oldest first."""
    folder = site / "snapshots"
    return sorted(path.name for path in folder.iterdir() if _ID.fullmatch(path.name)) if folder.is_dir() else []


def open_snapshot(site: Path, identifier: str) -> Snapshot:
    """Verify every file of a published snapshot against its manifest. Raises SnapshotError naming the first bad one."""
    folder = site / "snapshots" / identifier
    manifest = read_manifest(folder)
    verify(folder, manifest)
    return Snapshot(identifier, folder, manifest)


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare sizes and SHA-256 of all files with the manifest. Raises SnapshotError."""
    hint = "it is not served; run `indexer rollback` or `indexer build` and `indexer publish`"
    for name, (size, digest) in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise SnapshotError(f"snapshot {folder.name}: {name} is missing", hint)
        if file.stat().st_size != size:
            raise SnapshotError(f"snapshot {folder.name}: {name} has {file.stat().st_size} bytes, not {size}", hint)
        if _sha256(file) != digest:
            raise SnapshotError(f"snapshot {folder.name}: {name} does not match its checksum", hint)


def read_manifest(folder: Path, *, any_format: bool = False) -> Manifest:
    """Read a manifest without looking at the files it names. Raises SnapshotError.

    any_format: also that of another version's snapshot, whose facts are good for comparing and whose files are not.
    """
    path = folder / MANIFEST
    try:
        body = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise SnapshotError(f"snapshot {folder.name}: no {MANIFEST}", "see `indexer snapshots`") from error
    except (ValueError, OSError) as error:
        raise SnapshotError(
            f"snapshot {folder.name}: {MANIFEST} is damaged ({error})", "run `indexer rollback`"
        ) from error
    try:
        files = {str(name): (int(size), str(digest)) for name, (size, digest) in body["files"].items()}
        manifest = Manifest(int(body["format"]), dict(body["facts"]), files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SnapshotError(
            f"snapshot {folder.name}: {MANIFEST} is damaged ({error!r})", "run `indexer rollback`"
        ) from error
    if manifest.format != FORMAT and not any_format:
        raise SnapshotError(
            f"snapshot {folder.name} has format {manifest.format}, this version reads {FORMAT}",
            "run `indexer build` and `indexer publish` with this version: no crawl is needed",
        )
    return manifest


def prune(site: Path, keep: int) -> list[str]:
    """Delete the oldest published snapshots beyond ``keep``, never the served one; return their ids."""
    served = current(site)
    candidates = [identifier for identifier in published(site) if identifier != served]
    surplus = candidates[: max(0, len(candidates) - max(0, keep - 1))]
    with _storage(site):
        for identifier in surplus:
            doomed = site / "snapshots" / f".gone-{identifier}"
            (site / "snapshots" / identifier).rename(doomed)  # first out of sight, then file by file
            shutil.rmtree(doomed)
    return surplus


def sweep(site: Path) -> None:
    """Remove what a killed indexer left half done. Call with the site's lock held."""
    with _storage(site):
        for rest in [*site.glob("snapshots/.gone-*"), *site.glob(f"{CURRENT}.*.tmp")]:
            if rest.is_dir():
                shutil.rmtree(rest)
            else:
                rest.unlink()


@contextlib.contextmanager
def _storage(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        name = error.filename or place
        raise StorageError(f"{name}: {error.strerror or error}", "check free space and permissions") from error


def _write_atomically(target: Path, text: str) -> None:
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(file: Path) -> str:
    """Read a file without the kernel's reading ahead, which keeps it in huge pages of cache.

    Linux maps such a page as a whole when one byte of it is touched (seen with 6.18): of a million passages, of which a
    question needs a few hundred, all counted as an engine's memory (1.4 instead of .9 GB, and no quicker).
    """
    with file.open("rb") as opened:
        if sys.platform == "linux":
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        return hashlib.file_digest(opened, "sha256").hexdigest()
