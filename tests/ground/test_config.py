"""Settings: where they come from, which source wins, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchd import config
from searchd.errors import ConfigError
from searchd.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shipped_config_file_shows_every_setting_with_its_default() -> None:
    assert (ROOT / "config.toml").read_text(encoding="utf-8") == config.render()


def test_the_shipped_config_file_loads_as_the_defaults() -> None:
    loaded = config.load(ROOT / "config.toml", environment={})
    assert loaded == Settings(data=str(ROOT / "data"))


def test_every_setting_has_one_line_of_help() -> None:
    for line in config.render().splitlines():
        if " = " in line and not line.startswith("# Any"):
            assert "  # " in line, line


@pytest.mark.parametrize(("name", "choice"), [("precision", "best"), ("device", "gpu")])
def test_a_precision_or_device_that_is_none_is_refused_with_the_choices(name: str, choice: str) -> None:
    with pytest.raises(ConfigError, match=f"model.{name}.*'balanced'|model.{name}.*'native'"):
        config.load(environment={}, flags={f"model.{name}": choice})


@pytest.mark.parametrize("text", ["/news/*, tag:Old", '["/news/*", "tag:Old"]', ' [ "/news/*" , "tag:Old" ]'])
def test_a_flag_takes_a_list_with_commas_or_as_the_file_has_it(text: str) -> None:
    assert config.load(environment={}, flags={"ranking.hide": text}).ranking.hide == ("/news/*", "tag:Old")


def test_flags_beat_environment_beats_file(tmp_path: Path) -> None:
    file = write(tmp_path, "[crawl]\nmax_pages = 1\n")
    environment = {"ECHOLOT_CRAWL_MAX_PAGES": "2"}
    assert config.load(file, environment={}).crawl.max_pages == 1
    assert config.load(file, environment=environment).crawl.max_pages == 2
    assert config.load(file, environment=environment, flags={"crawl.max_pages": "3"}).crawl.max_pages == 3


def test_the_environment_beats_a_sites_own_table(tmp_path: Path) -> None:
    file = write(tmp_path, '[[site]]\nurl = "http://a.example/"\n[site.crawl]\nmax_pages = 5\ncontact = "me"\n')
    site = config.load(file, environment={"ECHOLOT_CRAWL_MAX_PAGES": "2"}).site[0]
    assert (site.crawl.max_pages, site.crawl.contact) == (2, "me")


def test_a_site_starts_from_the_global_tables(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[crawl]\nmax_pages = 7\n[[site]]\nurl = "http://a.example/"\n[[site]]\nname = "b"\nurl = "http://b.example/"\n'
        "[site.crawl]\nmax_pages = 8\n",
    )
    first, second = config.load(file, environment={}).site
    assert (first.name, first.crawl.max_pages) == ("a.example", 7)
    assert (second.name, second.crawl.max_pages) == ("b", 8)


def test_the_data_folder_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    file = write(tmp_path, 'data = "store"\n')
    assert config.load(file, environment={}).data == str(tmp_path / "store")


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("[crawl]\n\nmax_pagse = 3\n", "line 3", "'max_pages'"),
        ("[crwal]\nmax_pages = 3\n", "line 1", "'crawl'"),
        ("[crawl]\nmax_pages = '3'\n", "line 2", "a whole number"),
        ("[crawl]\nmax_pages = true\n", "line 2", "a whole number"),
        ("[crawl]\nmax_pages =\n", "line 2", "quotes"),
        ("[index]\nvectors = 'hsnw'\n", "line 2", "one of 'auto', 'flat'"),
        ("[crawl]\nrecrawl = 'adaptiv'\n", "line 2", "one of 'always', 'adaptive'"),
        ("[crawl]\nmax_pages = -5\n", "line 2", "at least 1"),
        ("[ranking]\n\nthreshold = 40\n", "line 3", "at least 0 and at most 1"),
        ("[server]\nport = 70000\n", "line 2", "at most 65535"),
        ("[extract]\ninclude = 'main'\n", "line 2", "a list"),
        ("[extract]\ninclude = [1]\n", "line 2", "a text"),
        ('[[site]]\nurl = "www.example.org"\n', "line 2", "https://"),
        ('[[site]]\nurl = "http://a.example/"\n[[site]]\nurl = "b"\n', "line 4", "https://"),
        ('[[site]]\nurl = "http://a.example/"\n[[site]]\nurl = "http://b.example/"\ntype = 1\n', "line 5", "known"),
        ('[[site]]\nurl = "http://a.example/"\nname = "../x"\n', "line 2", "letters"),
        ('[[site]]\nurl = "http://a.example/"\nlanguages = ["deutsch"]\n', "line 2", "like en or de"),
        ('[[site]]\nurl = "http://a.example/"\nlanguages = ["de-DE"]\n', "line 2", "like en or de"),
        ('[[site]]\nurl = "http://a.example/"\n[[site]]\nurl = "http://a.example/b"\n', "config.toml", "own name"),
    ],
)
def test_a_wrong_file_is_told_the_line_the_key_and_the_fix(tmp_path: Path, text: str, place: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, text), environment={})
    assert place in caught.value.message
    assert fix in caught.value.hint


def test_an_unknown_variable_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(environment={"ECHOLOT_CRAWL_MAX_PAGE": "3"})
    assert "ECHOLOT_CRAWL_MAX_PAGES" in caught.value.hint


def test_secrets_in_the_environment_are_not_settings() -> None:
    assert config.load(environment={"ECHOLOT_SECRET_BASIC_AUTH": "x:y"}) == config.load(environment={})


def test_a_flag_that_is_no_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_pages"):
        config.load(environment={}, flags={"crawl.max_pages": "many"})


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        config.load(tmp_path / "none.toml", environment={})


def test_a_url_on_the_command_line_names_its_own_folder() -> None:
    site = config.adhoc_site(Settings(), "http://127.0.0.1:8080/git.html")
    assert site.name == "127.0.0.1-8080"
    with pytest.raises(ConfigError):
        config.adhoc_site(Settings(), "ftp://example.org/")


def test_a_configured_site_is_found_by_its_url(tmp_path: Path) -> None:
    file = write(tmp_path, '[[site]]\nname = "b"\nurl = "http://b.example/"\n')
    assert config.adhoc_site(config.load(file, environment={}), "http://b.example/").name == "b"
