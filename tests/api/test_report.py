from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from searchd import report as reports
from searchd.feedback import FeedbackStore, SearchNote
from tests.api.conftest import ADMIN

PAYLOAD = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize(("value", "top"), [(0, 4), (4, 4), (5, 10), (11, 20), (21, 50), (99, 100), (101, 200)])
def test_scales_end_at_round_numbers(value: int, top: int) -> None:
    assert reports.nice_top(value) == top


def test_bars_are_as_high_as_their_numbers_and_stay_inside() -> None:
    plot = reports.plot([("a", 10, 5), ("b", 5, 0), ("c", 0, 0)], width=300, height=100)
    assert [bar.height for bar in plot.bars] == [100, 50, 0]
    assert plot.bars[0].front == 50
    assert min(bar.x for bar in plot.bars) >= 0
    assert max(bar.x + bar.width for bar in plot.bars) <= 300


def test_days_without_a_search_are_drawn_too(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite", clock=lambda: "2026-11-22")
    store.note_search(SearchNote("town", "en", "ferry", False, False, 3.0))
    plot = reports.day_plot(reports.make(store, "town", 7), "2026-11-22")
    assert [bar.value for bar in plot.bars] == [0, 0, 0, 0, 0, 0, 1]
    assert plot.bars[-1].label == "11-22"


def test_the_report_page_is_one_file_without_script_and_shows_queries_as_text(client: FlaskClient) -> None:
    client.get("/api/v1/search", query_string={"q": PAYLOAD})
    response = client.get("/api/v1/admin/report?format=html", headers={"X-Api-Key": ADMIN})
    assert response.mimetype == "text/html"
    assert "&lt;script&gt;alert(1)" in response.text
    assert not re.search(r"<(script|img|link|iframe|object)|@import|url\(", response.text)
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for svg in re.findall(r"<svg.*?</svg>", response.text, re.DOTALL):
        assert ET.fromstring(svg).findall(".//rect")  # noqa: S314 (our own markup)


def test_a_report_of_a_site_without_searches_says_so(client: FlaskClient) -> None:
    response = client.get("/api/v1/admin/report?format=html&days=1", headers={"X-Api-Key": ADMIN})
    assert "No search was counted yet." in response.text
