"""A small site of a harbour town, indexed with the real model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from searchd import encoder as encoders
from searchd.encoder import Encoder
from searchd.engine import Engine
from searchd.index.builder import build
from searchd.index.opened import Index
from searchd.index.records import Article, Block, PageDraft, Passage, Section
from searchd.settings import IndexSettings, ModelSettings, RankingSettings

# path, title, language, paragraphs
TEXTS = (
    ("/", "Harbour town", "en", ("Welcome to the harbour town. Find our offices, ferries and museums here.",)),
    (
        "/lighthouse", "The lighthouse", "en",
        (
            ("The lighthouse on the northern mole was built of red brick in 1887. "
             "Its lamp is seen for 19 nautical miles."),
            ("Visitors climb 162 steps to the gallery. "
             "The keeper Anna Berg lived in the tower until the lamp was automated."),
        ),
    ),
    (
        "/beacons", "Beacons and buoys", "en",
        (
            ("Beacons, buoys and the lighthouse guide ships into the harbour at night. "
             "The lamps are tended by the pilots."),
            ("A green buoy marks the right side of the channel. "
             "Every lamp is checked twice a year by the tender Seestern."),
        ),
    ),
    (
        "/ferry", "Ferry timetable", "en",
        (
            ("The ferry to the island leaves the eastern pier at seven, at noon and at six. "
             "A crossing takes 40 minutes."),
            "Bicycles travel free of charge because the deck has room enough. Dogs need a ticket of their own.",
        ),
    ),
    (
        "/fees", "Mooring fees", "en",
        (
            "A boat of ten metres pays twelve euros for each night at the guest jetty. Water and power are included.",
            ("The harbour master collects the mooring fees in the evening. "
             "Boats longer than twenty metres call ahead."),
        ),
    ),
    (
        "/library", "Public library", "en",
        (
            "Readers borrow books and films for four weeks with a card that costs nothing. Fines start after a week.",
            ("The library lends telescopes, too. Children under tw"
             "elve read in a room of their own on the second floor."),
        ),
    ),
    (
        "/leuchtturm", "Der Leuchtturm", "de",
        (
            ("Der Leuchtturm auf der Nordmole wurde 1887 aus rotem Backstein gebaut. "
             "Sein Licht reicht 19 Seemeilen weit."),
            ("Besucher steigen 162 Stufen bis zur Galerie. "
             "Die Wärterin Anna Berg lebte bis zur Automatisierung im Turm."),
        ),
    ),
    (
        "/buecherei", "Stadtbücherei", "de",
        (
            "Leser leihen Bücher und Filme vier Wochen lang mit einer Karte, die nichts kostet.",
            "Die Bücherei verleiht auch Fernrohre. Kinder unter zwölf lesen in einem eigenen Raum.",
        ),
    ),
)  # fmt: skip


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return encoders.load(ModelSettings(name="all-MiniLM-L6-v2"))


def draft(path: str, title: str, lang: str, paragraphs: tuple[str, ...]) -> PageDraft:
    blocks = tuple(Block("paragraph", text) for text in paragraphs)
    article = Article(f"https://town.example{path}", title, (Section((title,), "top", blocks),), lang)
    return PageDraft(article, tuple(Passage((title,), "top", text) for text in paragraphs))


@pytest.fixture(scope="session")
def engine(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    twin = ("/lighthouse-print", *TEXTS[1][1:])  # the same article at another address
    folder = tmp_path_factory.mktemp("town")
    build(folder, [draft(*text) for text in (*TEXTS, twin)], encoder, IndexSettings())
    index = Index.open(folder)
    yield Engine(index, encoder, RankingSettings(), "test", ("en", "de"))
    index.close()


@pytest.fixture(scope="session")
def number(engine: Engine) -> dict[str, int]:
    """Path -> page number."""
    return {page.url.removeprefix("https://town.example"): page.page for page in engine.index.pages.all_pages()}
