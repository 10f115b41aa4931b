"""What stays out of the index by the pages' own wish or for want of a browser, and what their owner is told."""

from __future__ import annotations

import pytest

from searchd.errors import SiteError
from tests.crawl.conftest import Crawler
from tests.crawl.server import Web


def test_pages_that_ask_to_be_left_out_are_counted_and_many_of_them_are_a_problem(web: Web, site: Crawler) -> None:
    paths = [f"/{number}" for number in range(40)]
    web.page("/", "x", *paths)
    for number, path in enumerate(paths):
        head = f'<link rel="canonical" href="https://press{number % 4}.test/news{path}x">' if number < 12 else ""
        web.page(path, head=head or '<meta name="robots" content="noindex">' * (number < 15))
    report = site()
    assert (site.state.counts()["elsewhere"], site.state.counts()["noindex"]) == (12, 3)
    assert report.problems == ["12 of 41 pages name another site's page as canonical and are left out"]


def test_a_site_that_asks_not_to_be_indexed_is_told_so(web: Web, site: Crawler) -> None:
    for path in ("/", "/a"):
        web.page(path, path, "/a", head='<meta name="robots" content="noindex">')
    with pytest.raises(SiteError, match="2 of 2 pages ask not to be indexed") as error:
        site()
    assert "a copy under test" in error.value.hint


@pytest.mark.parametrize(("body", "told"), [("<p>Loading</p>", True), ("<p>" + "Lamps and oil. " * 9 + "</p>", False)])
def test_a_start_page_that_needs_javascript_is_told_with_the_setting(
    web: Web, site: Crawler, body: str, told: bool
) -> None:
    web.document("/", f"<html><body>{body}<script>show()</script></body></html>")
    for _ in range(2):  # the second time it is not modified
        assert any("browser_when_empty" in problem for problem in site().problems) is told
