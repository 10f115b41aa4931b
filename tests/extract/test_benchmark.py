"""``python -m benchmarks extraction``."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.extraction import main
from tests.extract.pages import PROSE, WORDS, page


def test_predictions_hold_text_and_blocks_of_every_page(tmp_path: Path) -> None:
    (tmp_path / "plain.html").write_bytes(page(f'<h1>Lighthouse</h1><h2 id="lamp">Lamp</h2>{PROSE}<pre>on</pre>'))
    (tmp_path / "packed.html.gz").write_bytes(gzip.compress(page(PROSE)))
    (tmp_path / "empty.html").write_bytes(b"")
    out = tmp_path / "out.json"
    assert main(["--predict", str(tmp_path), str(out)]) == 0
    found = json.loads(out.read_text())
    assert sorted(found) == ["empty", "packed", "plain"]
    assert found["empty"] == {"text": "", "blocks": []}
    kinds = [(block["kind"], block["anchor"]) for block in found["plain"]["blocks"]]
    assert kinds[:2] == [("heading", ":~:text=Lighthouse"), ("heading", "lamp")]
    assert kinds[-1] == ("code", "lamp")
    assert found["plain"]["blocks"][-1]["headings"] == ["Lighthouse", "Lamp"]


def test_labelled_pages_are_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.html.gz").write_bytes(gzip.compress(page(PROSE)))
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"a": {"articleBody": " ".join(text * 2 for text in WORDS)}}))
    assert main(["--news", str(tmp_path), str(truth)]) == 0
    assert "F1 1.0000" in capsys.readouterr().out


def test_a_documentation_site_is_scored_against_its_own_container(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = f"<div id=header><h1>lamp(1)</h1></div><div id=content>{PROSE}<dl><dt>on</dt><dd>light</dd></dl></div>"
    (tmp_path / "lamp.html").write_text(f"<html><body>{body}</body></html>")
    assert main(["--docs", f"asciidoc={tmp_path}"]) == 0
    printed = capsys.readouterr().out
    assert "1 pages  F1 1.0000" in printed
    assert "dt       kept 1.0000 of 1" in printed


def test_an_unknown_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--docs", f"unknown={tmp_path}"])
