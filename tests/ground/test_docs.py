"""The documentation names what the programs have, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import searchd.errors as errors_module
from indexer.__main__ import VERBS
from searchd.cli import EXIT_CODES
from searchd.errors import EcholotError

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_opens_with_the_two_commands() -> None:
    opening = README.split("```")[1]
    assert "./echolot up" in opening
    assert "./echolot test" in opening


def test_every_command_of_the_indexer_stands_in_the_readme() -> None:
    for verb in (*VERBS, "model"):
        assert f"`indexer {verb}" in README, verb


def test_every_exit_status_stands_in_the_readme_and_in_the_help() -> None:
    classes = [c for c in vars(errors_module).values() if isinstance(c, type) and issubclass(c, EcholotError)]
    documented = {int(number) for number in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert documented == {int(number) for number in re.findall(r"(?<!\S)(\d+) [a-z]", EXIT_CODES)}
    for cls in classes:
        if cls.__name__ != "ExtractionError":  # ends no program: the page is skipped
            assert cls.exit_code in documented, cls


def test_exit_statuses_are_told_apart() -> None:
    codes = [cls.exit_code for cls in EcholotError.__subclasses__()]
    assert len(codes) == len(set(codes))


def test_every_file_that_the_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
