"""What the crawler never does, whatever the site says."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import zlib

import pytest

from indexer.addresses import BlockedAddressError, PinnedResolver, is_internal
from indexer.fetch import Secrets, _Inflater
from searchd.errors import ConfigError
from searchd.settings import CrawlSettings
from tests.crawl.conftest import Crawler
from tests.crawl.server import Reply, Web

HTML = {"Content-Type": "text/html"}


def test_only_http_and_https_are_followed(web: Web, site: Crawler) -> None:
    web.page("/", "x", "file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "data:text/html,x", "/a")
    web.page("/a")
    web.redirect("/a", "file:///etc/passwd")
    report = site()
    assert web.paths() == ["/", "/a"]
    assert "file:///etc/passwd" in report.examples["redirect"]


INTERNAL = """
127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1
::1 fe80::1 fc00::1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: fe80::1%eth0
"""


@pytest.mark.parametrize("address", INTERNAL.split())
def test_internal_addresses_are_known_in_every_disguise(address: str) -> None:
    assert is_internal(address)


def test_public_addresses_are_not_internal() -> None:
    assert not is_internal("93.184.216.34")
    assert not is_internal("2606:2800:220:1:248:1893:25c8:1946")


def test_robots_cannot_send_the_crawler_to_an_internal_address(web: Web, site: Crawler) -> None:
    """The site is at 127.0.0.1; 127.0.0.2 is somebody else's machine as far as the crawler knows."""
    with Web("127.0.0.2") as inner:
        inner.document("/secret", "User-agent: *\nDisallow: /a", "text/plain")
        web.redirect("/robots.txt", inner.url("/secret"))
        web.page("/", "x", "/a")
        web.page("/a")
        with pytest.raises(Exception, match="internal address"):
            site()
        assert inner.log == []


def test_a_sitemap_cannot_send_the_crawler_to_an_internal_name(web: Web, site: Crawler) -> None:
    port = web.origin.rpartition(":")[2]
    web.page("/")
    web.robots(f"Sitemap: http://localhost:{port}/inner.xml\n")
    web.document("/inner.xml", "<urlset></urlset>")
    report = site()
    assert web.asked("/inner.xml") == []
    assert any("internal address" in problem for problem in report.problems)


def test_pages_never_redirect_to_another_host(web: Web, site: Crawler) -> None:
    with Web("127.0.0.2") as inner:
        inner.page("/secret")
        web.page("/", "x", "/a")
        web.redirect("/a", inner.url("/secret"))
        site()
        assert inner.log == []
        assert site.paths() == ["/"]


def test_a_name_is_resolved_once_and_stays_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    def lookup(host: str, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    async def twice() -> list[str]:
        resolver = PinnedResolver(())
        found = [(await resolver.resolve("example.org", 80))[0]["host"] for _ in range(2)]
        with pytest.raises(BlockedAddressError):
            await resolver.resolve("rebound.example.org", 80)
        return found

    assert asyncio.run(twice()) == ["93.184.216.34", "93.184.216.34"]


def test_a_body_over_the_limit_is_not_kept(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/big")
    web.pages["/big"] = Reply(200, "x" * 5000, HTML)
    report = site(max_body_bytes=4000)
    assert site.paths() == ["/"]
    assert "too_large" in report.skipped


def compress(data: bytes, coding: str) -> bytes:
    if coding == "gzip":
        return gzip.compress(data)
    return zlib.compress(data) if coding == "deflate" else zlib.compress(data)[2:-4]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
def test_a_decompression_bomb_stops_at_the_limit(web: Web, site: Crawler, coding: str) -> None:
    data = b"x" * 50_000_000
    packed = compress(data, coding)
    web.page("/", "x", "/bomb")
    web.pages["/bomb"] = Reply(200, packed, {**HTML, "Content-Encoding": coding.removeprefix("raw ")})
    report = site(max_body_bytes=1_000_000)
    assert site.paths() == ["/"]
    assert "1000000 bytes" in report.examples["too_large"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
def test_honest_compression_is_read(web: Web, site: Crawler, coding: str) -> None:
    data = b"<p>compressed</p>" * 1000
    packed = compress(data, coding)
    web.pages["/"] = Reply(200, packed, {**HTML, "Content-Encoding": coding.removeprefix("raw ")})
    site()
    assert site.documents()["/"].body == data


def test_gzip_in_two_members_is_read_and_gzip_cut_short_refused(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/two", "/cut")
    two = gzip.compress(b"<p>one</p>") + gzip.compress(b"<p>two</p>")
    web.pages["/two"] = Reply(200, two, {**HTML, "Content-Encoding": "gzip"})
    cut = gzip.compress(b"<p>a long text that is not finished</p>" * 100)[:-20]
    web.pages["/cut"] = Reply(200, cut, {**HTML, "Content-Encoding": "gzip"})
    report = site()
    assert site.documents()["/two"].body == b"<p>one</p><p>two</p>"
    assert "/cut" not in site.paths()
    assert report.failed == {"encoding": 1}


def test_a_sitemap_bomb_is_not_unpacked(web: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.sitemaps.MAX_BYTES", 100_000)
    web.page("/")
    web.robots(f"Sitemap: {web.url('/bomb.xml.gz')}\n")
    web.document("/bomb.xml.gz", gzip.compress(b"<urlset>" + b" " * 10_000_000 + b"</urlset>"), "application/gzip")
    report = site()
    assert any("more than 100000 bytes" in problem for problem in report.problems)


def test_a_sitemap_with_entities_is_not_read(web: Web, site: Crawler) -> None:
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    web.page("/")
    web.robots(f"Sitemap: {web.url('/laughs.xml')}\n")
    web.document("/laughs.xml", f'<!DOCTYPE x [<!ENTITY a0 "ha">{lines}]><urlset><url><loc>&a9;</loc></url></urlset>')
    report = site()
    assert any("entities" in problem for problem in report.problems)


def test_sitemaps_that_name_each_other_end(web: Web, site: Crawler) -> None:
    web.page("/")
    web.robots(f"Sitemap: {web.url('/s0.xml')}\n")
    for n in range(60):
        children = "".join(f"<sitemap><loc>{web.url(f'/s{m}.xml')}</loc></sitemap>" for m in (n, n + 1, n + 2))
        web.document(f"/s{n}.xml", f"<sitemapindex>{children}</sitemapindex>")
    report = site(max_sitemaps=10)
    assert sum(asked.path.startswith("/s") for asked in web.log) == 10
    assert "max_sitemaps" in report.examples["limit sitemaps"]


def test_secrets_go_to_the_site_alone_and_are_never_logged(
    web: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SITE_LOGIN", "anna:geheim")
    monkeypatch.setenv("SITE_HEADERS", "X-Token: k4711k\nX-Other: yes")
    monkeypatch.setenv("SITE_COOKIES", "session=abc")
    secret = {"auth_env": "SITE_LOGIN", "headers_env": "SITE_HEADERS", "cookies_env": "SITE_COOKIES"}
    with Web("127.0.0.2") as other:
        other.page("/map.xml")
        web.page("/", "x", "/a")
        web.pages["/a"] = Reply(500)
        web.robots(f"Sitemap: {other.url('/map.xml')}\n")
        monkeypatch.setattr("indexer.addresses.is_internal", lambda _: False)
        report = site(retries=0, **secret)
        assert {asked.headers.get("Authorization") for asked in web.log} == {"Basic YW5uYTpnZWhlaW0="}
        assert {asked.headers.get("X-Token") for asked in web.log} == {"k4711k"}
        assert {asked.headers.get("Cookie") for asked in web.log} == {"session=abc"}
        assert len(other.log) == 1
        assert not {"Authorization", "X-Token", "X-Other", "Cookie"} & set(other.log[0].headers)
    assert "geheim" not in caplog.text + repr(report)
    assert "k4711k" not in caplog.text + repr(report)
    database = site.state.connection.execute("SELECT value FROM crawl_facts").fetchall()
    assert "geheim" not in str(database)


def test_secrets_do_not_show_in_their_repr() -> None:
    secrets = Secrets.from_environment(CrawlSettings(auth_env="A"), {"A": "anna:geheim"})
    assert "Basic" not in repr(secrets)
    assert secrets.headers["Authorization"].startswith("Basic ")


def test_a_secret_that_is_not_set_or_malformed_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="SITE_LOGIN"):
        Secrets.from_environment(CrawlSettings(auth_env="SITE_LOGIN"), {})
    with pytest.raises(ConfigError, match="user:password"):
        Secrets.from_environment(CrawlSettings(auth_env="A"), {"A": "anna"})
    with pytest.raises(ConfigError, match="no header"):
        Secrets.from_environment(CrawlSettings(headers_env="A"), {"A": "X-Token k4711k"})


def test_cookies_of_the_site_are_not_sent_back(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", Set_Cookie="session=1")
    web.page("/a")
    site(url=web.url("/").replace("127.0.0.1", "localhost"))  # cookie jars ignore hosts that are addresses
    assert web.asked("/a") != []
    assert all("Cookie" not in asked.headers for asked in web.log)


def test_unpacking_makes_no_more_than_the_limit_at_any_time() -> None:
    inflater = _Inflater(False, 1000)
    assert len(inflater.feed(gzip.compress(b"x" * 1_000_000))) == 1001
    assert inflater.feed(b"more") == b""


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"\0\xff" * 500,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nxx",
    ],
)
def test_broken_answers_are_failures_of_one_page(web: Web, site: Crawler, raw: bytes) -> None:
    web.page("/", "x", "/broken", "/a")
    web.page("/a")
    web.pages["/broken"] = Reply(raw=raw)
    report = site(retries=0)
    assert report.complete
    assert site.paths() == ["/", "/a"]


def test_headers_that_are_no_text_do_no_harm(web: Web, site: Crawler) -> None:
    head = b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Language: d\xe9\r\nETag: "\xff\xfe"\r\n'
    web.page("/", "x", "/odd", "/moved")
    web.pages["/odd"] = Reply(raw=head + b"X-Robots-Tag: \xff\r\nContent-Length: 3\r\n\r\nodd")
    web.pages["/moved"] = Reply(raw=b"HTTP/1.1 301 Moved\r\nLocation: /\xc3\xbc\xff\r\nContent-Length: 0\r\n\r\n")
    for _ in range(2):
        report = site(retries=0)
        assert report.complete
        assert site.paths() == ["/", "/odd"]
    assert report.failures == 0


def test_a_slow_trickle_ends_at_the_time_limit(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/slow")
    web.pages["/slow"] = Reply(200, "x", HTML, wait_s=1.5)
    report = site(timeout_s=1.0, retries=0)
    assert report.failed == {"timeout": 1}
