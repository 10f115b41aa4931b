"""The demo server behaves like a web server worth crawling."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from indexer.demo.server import SITE_ORIGIN, SITE_ROOT, DemoServer, fill_in, find_file

Answer = tuple[int, dict[str, str], bytes]


def ask(server: DemoServer, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer() as running:
        yield running


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[DemoServer]:
    root = tmp_path / "site"
    shutil.copytree(SITE_ROOT, root)
    with DemoServer(root=root) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/de/hafen/sturmflut.html", "text/html; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/img/ferry.svg", "image/svg+xml"),
        ("/assets/img/pegel-1872.png", "image/png"),
        ("/files/skippers-guide-2026.pdf", "application/pdf"),
        ("/sitemap.xml", "application/xml; charset=utf-8"),
        ("/robots.txt", "text/plain; charset=utf-8"),
    ],
)
def test_every_kind_of_file_has_its_content_type(server: DemoServer, path: str, kind: str) -> None:
    status, headers, body = ask(server, path)
    assert (status, headers["content-type"]) == (200, kind)
    assert int(headers["content-length"]) == len(body) > 0


def test_an_unchanged_page_is_not_sent_again(server: DemoServer) -> None:
    _, first, _ = ask(server, "/en/visit/seals.html")
    assert ask(server, "/en/visit/seals.html", If_None_Match=first["etag"])[0] == 304
    assert ask(server, "/en/visit/seals.html", If_Modified_Since=first["last-modified"])[0] == 304
    status, headers, body = ask(server, "/en/visit/seals.html", If_None_Match=f'"other", W/{first["etag"]}')
    assert (status, headers["etag"], body) == (304, first["etag"], b"")


def test_a_stale_validator_gets_the_page(server: DemoServer) -> None:
    _, first, _ = ask(server, "/en/visit/seals.html")
    assert ask(server, "/en/visit/seals.html", If_Modified_Since=formatdate(0, usegmt=True))[0] == 200
    assert ask(server, "/en/visit/seals.html", If_Modified_Since="last Tuesday")[0] == 200
    mixed = ask(server, "/en/visit/seals.html", If_None_Match='"x"', If_Modified_Since=first["last-modified"])
    assert mixed[0] == 200  # RFC 9110, 13.2.2: the entity tag decides


def test_a_changed_page_is_sent_even_within_the_same_second(copy: DemoServer) -> None:
    page = copy.root / "en/visit/seals.html"
    _, first, _ = ask(copy, "/en/visit/seals.html")
    times = (page.stat().st_atime, page.stat().st_mtime)
    page.write_text(page.read_text().replace("grey seals", "ringed seals"))
    os.utime(page, times)
    status, headers, body = ask(copy, "/en/visit/seals.html", If_None_Match=first["etag"])
    assert status == 200
    assert headers["last-modified"] == first["last-modified"]
    assert b"ringed seals" in body


def test_pages_come_and_go_with_the_files(copy: DemoServer) -> None:
    (copy.root / "en/visit/seals.html").unlink()
    (copy.root / "en/visit/otters.html").write_text("<title>Otters</title>")
    assert ask(copy, "/en/visit/seals.html")[0] == 404
    assert ask(copy, "/en/visit/otters.html")[0] == 200


def test_the_folder_can_be_replaced_while_serving(copy: DemoServer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("<title>Elsewhere</title>")
    copy.root = other
    assert b"Elsewhere" in ask(copy, "/")[2]


def test_a_missing_page_answers_404_with_a_helpful_page(server: DemoServer) -> None:
    status, headers, body = ask(server, "/de/hafen/gibt-es-nicht.html")
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Seite nicht gefunden" in body.decode()
    assert "etag" not in headers


@pytest.mark.parametrize("path", ["/de/hafen/sturmflut.html/", "/assets/", "/%00", "/" + "x" * 5000, "/de/%ff"])
def test_odd_addresses_are_missing_rather_than_errors(server: DemoServer, path: str) -> None:
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/de/../../questions.toml", "//../server.py"])
def test_nothing_outside_the_folder_is_served(server: DemoServer, path: str) -> None:
    assert ask(server, path)[0] == 404
    assert find_file(SITE_ROOT, path) is None


def test_a_folder_without_its_slash_redirects(server: DemoServer) -> None:
    status, headers, _ = ask(server, "/de/hafen")
    assert (status, headers["location"]) == (301, "/de/hafen/")
    assert ask(server, "//de/hafen")[1]["location"] == "/de/hafen/"


def test_a_query_string_does_not_matter(server: DemoServer) -> None:
    assert ask(server, "/en/?utm_source=x")[2] == ask(server, "/en/")[2]


def test_head_sends_the_headers_alone(server: DemoServer) -> None:
    status, headers, body = ask(server, "/en/", "HEAD")
    assert (status, body) == (200, b"")
    assert headers["etag"] == ask(server, "/en/")[1]["etag"]
    assert int(headers["content-length"]) > 0


def test_absolute_addresses_carry_the_host_that_was_asked_for(server: DemoServer) -> None:
    _, _, sitemap = ask(server, "/sitemap.xml", Host="localhost:1234")
    assert b"<loc>http://localhost:1234/de/</loc>" in sitemap
    assert SITE_ORIGIN.encode() not in sitemap
    _, _, page = ask(server, "/de/")
    assert f'<link rel="canonical" href="{server.url}/de/">' in page.decode()
    assert f"Sitemap: {server.url}/sitemap.xml" in ask(server, "/robots.txt")[2].decode()


def test_a_malicious_host_header_does_not_reach_the_page(server: DemoServer) -> None:
    page = ask(server, "/de/", Host='x"><script>alert(1)</script>')[2].decode()
    assert "alert(1)" not in page
    assert f'href="{server.url}/de/"' in page


def test_without_a_search_address_the_pages_have_no_search_field(server: DemoServer) -> None:
    page = ask(server, "/de/hafen/sturmflut.html")[2].decode()
    assert "<form" not in page
    assert "echolot" not in page
    assert "search-->" not in page


def test_with_a_search_address_the_field_works_with_and_without_scripts() -> None:
    with DemoServer(search_url="http://127.0.0.1:8765/") as server:
        page = ask(server, "/de/hafen/sturmflut.html")[2].decode()
    assert '<form class="search" action="http://127.0.0.1:8765/search" method="get" role="search">' in page
    assert '<script src="http://127.0.0.1:8765/widget.js" defer></script>' in page
    for element in ("echolot-search", "echolot-similar", "echolot-helpful"):
        assert f"<{element} " in page
        assert f"</{element}>" in page
    assert "{search_url}" not in page


def test_a_search_address_must_be_http_and_is_escaped() -> None:
    with pytest.raises(ValueError, match="http"):
        DemoServer(search_url="javascript:alert(1)")
    assert fill_in('<!--search <a href="{search_url}"> search-->', "http://h", 'http://x/"') == (
        '<a href="http://x/&quot;">'
    )


def test_every_request_is_logged() -> None:
    with DemoServer() as server:
        ask(server, "/de/")
        ask(server, "/nowhere", "HEAD")
        ask(server, "/de/", "POST")
        assert server.log == [(200, "GET", "/de/"), (404, "HEAD", "/nowhere"), (501, "POST", "/de/")]


def test_stopping_frees_the_port_and_may_be_repeated() -> None:
    server = DemoServer()
    server.start()
    port = urlsplit(server.url).port
    server.stop()
    server.stop()
    assert port is not None
    with DemoServer(port=port) as again:
        assert ask(again, "/")[0] == 200


def test_the_command_line_prints_the_address_and_stops_on_a_signal() -> None:
    command = [sys.executable, "-m", "indexer.demo.server", "--port", "0", "--search-url", "http://127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
        connection.request("GET", "/en/")
        page = connection.getresponse().read().decode()
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert "http://127.0.0.1:1/search" in page


def test_a_taken_port_is_said_in_one_line(server: DemoServer) -> None:
    port = str(urlsplit(server.url).port)
    command = [sys.executable, "-m", "indexer.demo.server", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("demo site: ")
    assert ended.stderr.count("\n") == 1
