"""A static site's build is read from the disk as if it were served."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from searchd.errors import ConfigError, SiteError
from tests.crawl.conftest import Crawler
from tests.crawl.server import Web


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "build"
    (folder / "docs").mkdir(parents=True)
    (folder / "index.html").write_text('<a href="docs/a.html">The first page</a>')
    (folder / "docs" / "a.html").write_text("a")
    (folder / "docs" / "index.html").write_text("docs")
    (folder / "docs" / "über uns.html").write_text("orphan")
    (folder / "style.css").write_text("css")
    return folder


def test_every_page_below_the_folder_is_read_without_a_request(web: Web, site: Crawler, build: Path) -> None:
    report = site(folder=str(build))
    assert site.paths() == ["/", "/docs/", "/docs/%C3%BCber%20uns.html", "/docs/a.html"]
    assert site.documents()["/docs/a.html"].anchor_texts == ("The first page",)
    assert web.log == []
    assert report.robots_ok
    assert report.complete


def test_only_changed_files_are_read_again(site: Crawler, build: Path) -> None:
    site(folder=str(build))
    (build / "docs" / "a.html").write_text("changed")
    os.utime(build / "docs" / "a.html", (1, 1))
    (build / "docs" / "über uns.html").unlink()
    report = site(folder=str(build))
    assert (report.changed, report.gone, report.not_modified) == (1, 1, 2)


def test_a_folder_without_an_index_page_will_do(site: Crawler, build: Path) -> None:
    (build / "index.html").unlink()
    report = site(folder=str(build))
    assert site.paths() == ["/docs/", "/docs/%C3%BCber%20uns.html", "/docs/a.html"]
    assert report.start_page_ok


def test_an_empty_folder_is_an_error(site: Crawler, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="no page"):
        site(folder=str(tmp_path))


def test_links_cannot_lead_out_of_the_folder(site: Crawler, build: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.html").write_text("secret")
    (build / "link.html").symlink_to(tmp_path / "secret.html")
    (build / "index.html").write_text('<a href="/..%2fsecret.html">x</a><a href="/%2e%2e/secret.html">x</a>')
    site(folder=str(build))
    assert not any("secret" in path or "link" in path for path in site.paths())


def test_a_folder_that_is_none_is_a_config_error(site: Crawler, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        site(folder=str(tmp_path / "missing"))
