"""Sitemaps and feeds as they are found in the wild."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.sitemaps import parse, parse_date


def test_dates_and_namespaces_may_be_sloppy() -> None:
    body = b"""<?xml version="1.0"?>
    <sm:urlset xmlns:sm="http://example.org/wrong"><sm:url><sm:loc> http://h/a?x=1&amp;y=2
    </sm:loc><sm:lastmod>2026-05-04</sm:lastmod></sm:url><sm:url><sm:loc></sm:loc></sm:url></sm:urlset>"""
    (entry,) = parse(body).entries
    assert entry.url == "http://h/a?x=1&y=2"
    assert entry.lastmod == 1777852800.0


def test_damaged_files_give_what_could_be_read() -> None:
    found = parse(b"<urlset><url><loc>http://h/a</loc></url><url><loc>http://h/b & c</loc></url></urlset>")
    assert [entry.url for entry in found.entries] == ["http://h/a"]
    assert "damaged XML, read up to line 1" in found.problem


def test_plain_lists_and_gzip_are_read() -> None:
    found = parse(gzip.compress(b"\xef\xbb\xbfhttp://h/a\r\n\r\nhttps://h/b\nnonsense\n"))
    assert [entry.url for entry in found.entries] == ["http://h/a", "https://h/b"]


@pytest.mark.parametrize("body", [b"\x1f\x8bbroken", b"<html>not found</html>", b"nonsense", b""])
def test_other_files_name_nothing(body: bytes) -> None:
    assert parse(body).entries == []


def test_feeds_name_their_entries() -> None:
    rss = b"<rss><channel><link>http://h/</link><item><link>http://h/1</link></item></channel></rss>"
    atom = b'<feed><link href="/self"/><entry><link rel="edit" href="/e"/><link href="/2"/></entry></feed>'
    assert [entry.url for entry in parse(rss).entries] == ["http://h/1"]
    assert [entry.url for entry in parse(atom).entries] == ["/2"]


def test_a_file_names_50000_pages_at_most() -> None:
    found = parse("\n".join(f"http://h/{n}" for n in range(50_010)).encode())
    assert len(found.entries) == 50_000
    assert "50000" in found.problem


@pytest.mark.parametrize("text", ["2026-05-04T10:00:00Z", "2026-05-04T12:00:00+02:00", "2026-05-04T10:00:00"])
def test_dates_know_their_zone(text: str) -> None:
    assert parse_date(text) == 1777888800.0


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "0001-01-01"])
def test_other_dates_are_none(text: str) -> None:
    assert parse_date(text) <= 0.0


@given(st.binary(max_size=300))
def test_no_bytes_hurt_the_reader(body: bytes) -> None:
    parse(body)
    parse(b"<urlset>" + body)
