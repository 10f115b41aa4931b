"""Snapshots on disk: published whole, verified when opened, rolled back, pruned."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pytest

from searchd.errors import SnapshotError, StorageError
from searchd.index import snapshot

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def stage(site: Path, content: bytes, digest: str = "ab" * 32) -> Path:
    folder = site / "staged"
    (folder / "lexical").mkdir(parents=True)
    (folder / "vectors.faiss").write_bytes(content)
    (folder / "lexical" / "meta.json").write_text("{}")
    snapshot.seal(folder, {"digest": digest})
    return folder


def publish(site: Path, content: bytes = b"vectors", hour: int = 0) -> str:
    return snapshot.publish(site, stage(site, content), NOON + datetime.timedelta(hours=hour))


def test_a_published_snapshot_is_current_and_opens(tmp_path: Path) -> None:
    identifier = publish(tmp_path)
    assert identifier == "20260301T120000Z-abababab"
    assert snapshot.current(tmp_path) == identifier
    assert snapshot.open_snapshot(tmp_path, identifier).manifest.files["vectors.faiss"][0] == 7
    assert not (tmp_path / "staged").exists()


def test_two_snapshots_of_one_second_get_two_ids(tmp_path: Path) -> None:
    assert publish(tmp_path) != publish(tmp_path)


@pytest.mark.parametrize("bit", range(0, 56, 5))
def test_every_flipped_bit_is_refused(tmp_path: Path, bit: int) -> None:
    identifier = publish(tmp_path)
    file = tmp_path / "snapshots" / identifier / "vectors.faiss"
    data = bytearray(file.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    file.write_bytes(data)
    with pytest.raises(SnapshotError, match=r"vectors\.faiss does not match its checksum"):
        snapshot.open_snapshot(tmp_path, identifier)


def test_a_truncated_file_is_refused_by_name_and_size(tmp_path: Path) -> None:
    identifier = publish(tmp_path)
    os.truncate(tmp_path / "snapshots" / identifier / "lexical" / "meta.json", 1)
    with pytest.raises(SnapshotError, match=r"lexical/meta\.json has 1 bytes, not 2"):
        snapshot.open_snapshot(tmp_path, identifier)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    identifier = publish(tmp_path)
    (tmp_path / "snapshots" / identifier / "vectors.faiss").unlink()
    with pytest.raises(SnapshotError, match=r"vectors\.faiss is missing"):
        snapshot.open_snapshot(tmp_path, identifier)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "facts": {}, "files": {"a": 3}}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    identifier = publish(tmp_path)
    (tmp_path / "snapshots" / identifier / "manifest.json").write_text(text)
    with pytest.raises(SnapshotError, match="damaged"):
        snapshot.open_snapshot(tmp_path, identifier)


def test_another_format_is_refused_with_the_way_out(tmp_path: Path) -> None:
    identifier = publish(tmp_path)
    file = tmp_path / "snapshots" / identifier / "manifest.json"
    body = json.loads(file.read_text())
    file.write_text(json.dumps(body | {"format": 99}))
    with pytest.raises(SnapshotError) as caught:
        snapshot.open_snapshot(tmp_path, identifier)
    assert "indexer build" in caught.value.hint


def test_a_damaged_current_file_is_an_error_and_not_a_path(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "CURRENT").write_text("../../etc\n")
    with pytest.raises(SnapshotError, match="damaged"):
        snapshot.current(tmp_path)


def test_serving_an_older_one_repoints_current(tmp_path: Path) -> None:
    first, second = publish(tmp_path), publish(tmp_path, b"more", hour=1)
    assert snapshot.published(tmp_path) == [first, second]
    snapshot.serve(tmp_path, first)
    assert snapshot.current(tmp_path) == first
    with pytest.raises(SnapshotError):
        snapshot.serve(tmp_path, "20260301T120000Z-ffffffff")


def test_pruning_keeps_the_served_one_and_the_newest(tmp_path: Path) -> None:
    identifiers = [publish(tmp_path, hour=hour) for hour in range(5)]
    snapshot.serve(tmp_path, identifiers[0])
    assert snapshot.prune(tmp_path, 3) == identifiers[1:3]
    assert snapshot.published(tmp_path) == [identifiers[0], *identifiers[3:]]


def test_an_unsealed_folder_cannot_be_published(tmp_path: Path) -> None:
    (tmp_path / "staged").mkdir()
    with pytest.raises(SnapshotError):
        snapshot.publish(tmp_path, tmp_path / "staged", NOON)
    assert snapshot.current(tmp_path) == ""


def test_sweeping_removes_what_a_killed_indexer_left(tmp_path: Path) -> None:
    identifier = publish(tmp_path)
    (tmp_path / "snapshots" / ".gone-x").mkdir()
    (tmp_path / "CURRENT.17.tmp").write_text("half")
    snapshot.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CURRENT", "snapshots"]
    assert snapshot.published(tmp_path) == [identifier]


def test_a_disk_that_fails_is_a_storage_error(tmp_path: Path) -> None:
    staged = stage(tmp_path, b"x")
    (tmp_path / "snapshots").write_text("a file where a folder must be")
    with pytest.raises(StorageError):
        snapshot.publish(tmp_path, staged, NOON)
