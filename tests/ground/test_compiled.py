"""C code of ours: compiled once, beside its source for images, and what is said where it cannot be."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from searchd.compiled import __main__ as command
from searchd.compiled.build import Source, compiler
from searchd.encoder.native.build import KERNEL
from searchd.errors import UnfitError
from searchd.index.lists import LISTS

needs_compiler = pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler")


@pytest.fixture(autouse=True)
def _nothing_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def moved(source: Source, folder: Path) -> Source:
    """The same source, installed elsewhere."""
    folder.mkdir(exist_ok=True)
    return dataclasses.replace(source, path=Path(shutil.copy(source.path, folder)))


def test_the_way_to_get_a_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UnfitError, match="no C compiler") as caught:
        compiler()
    assert "gcc" in caught.value.hint


@needs_compiler
def test_what_was_compiled_beside_its_source_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "installed"
    kernel, lists = moved(KERNEL, folder), moved(LISTS, folder)
    monkeypatch.setattr(command, "KERNEL", kernel)
    monkeypatch.setattr(command, "LISTS", lists)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert command.main() == 0
    said = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.parent for path in said] == [folder, folder]
    monkeypatch.setenv("CC", "no-such-compiler")
    assert [lists.compiled(), kernel.compiled()] == said
    assert lists.load()
    said[0].unlink()
    assert command.main() == UnfitError.exit_code
    assert "no-such-compiler" in capsys.readouterr().err


@needs_compiler
def test_on_other_processors_the_kernel_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "LISTS", moved(LISTS, tmp_path / "installed"))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert command.main() == 0
    assert len(capsys.readouterr().out.split()) == 1


@needs_compiler
def test_code_that_does_not_compile_says_where(tmp_path: Path) -> None:
    broken = Source(tmp_path / "broken.c", "the broken code")
    broken.path.write_text("int main(void) { return nothing; }\n", encoding="utf-8")
    with pytest.raises(UnfitError, match=r"cannot compile the broken code: .*nothing"):
        broken.load()


@needs_compiler
@pytest.mark.parametrize("size", [0, 100, 4096, 8192])
def test_half_a_library_is_compiled_anew(size: int) -> None:
    target = LISTS.compiled()
    whole = target.read_bytes()
    target.write_bytes(whole[:size] + bytes(len(whole) - size if size == 4096 else 0))
    assert LISTS.load()
    assert target.stat().st_size == len(whole)


@needs_compiler
def test_a_library_without_the_functions_says_what_to_delete() -> None:
    other = dataclasses.replace(LISTS, functions=("echolot_best", "no_such_function"))
    with pytest.raises(UnfitError, match=r"cannot be loaded.*no_such_function") as caught:
        other.load()
    assert str(other.compiled()) in caught.value.hint


@needs_compiler
def test_what_a_compiler_says_need_not_be_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "chatty"
    command.write_text('#!/bin/sh\nprintf "gro\\337" >&2\nexec cc "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("CC", str(command))
    assert LISTS.load()


def test_a_compiler_that_is_no_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", 'gcc "')
    with pytest.raises(UnfitError, match="CC is no command"):
        LISTS.load()


@needs_compiler
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_cache_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    cache = tmp_path / "closed"
    cache.mkdir(mode=0o700)
    script = "import os\nfrom searchd.index.lists import LISTS\nos.seteuid(65534)\nLISTS.load()"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "UnfitError" in done.stderr
    assert "cannot be compiled" in done.stderr
