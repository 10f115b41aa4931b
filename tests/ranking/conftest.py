"""A small library of pages, indexed once with the real model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.split import split
from searchd import encoder as encoders
from searchd.encoder import ENGLISH
from searchd.engine import Engine
from searchd.index.builder import build
from searchd.index.opened import Index
from searchd.index.records import Article, Block, PageDraft, Section
from searchd.index.stores import Encoder
from searchd.settings import IndexSettings, ModelSettings, RankingSettings

SITE = "https://library.example"
FERRY = (
    "The ferry to the mainland leaves the eastern pier at seven, at noon and at six in the evening. Tickets are sold "
    "on board. Bicycles travel free of charge, dogs need a muzzle."
)
TEXTS: dict[str, tuple[str, str]] = {
    "/travel/ferry": ("Ferry timetable", FERRY),
    "/travel/bus": ("Bus lines", "Line 4 runs from the market square to the beach every half hour until midnight."),
    "/fees/mooring": ("Mooring fees", "A boat of ten metres pays twelve euros for each night at the guest jetty."),
    "/fees/dogs": ("Dog tax", "Owners of a dog pay ninety euros a year. Guide dogs are exempt from the tax."),
    "/culture/lighthouse": (
        "The lighthouse",
        "The lighthouse of brick was built in 1887 and may be climbed on Sundays.",
    ),
    "/culture/library": ("Public library", "Readers borrow books and films for four weeks with a card that is free."),
    "/culture/museum": ("Museum of whaling", "The museum shows harpoons, logbooks and the skeleton of a sperm whale."),
    "/office/passports": (
        "Passports",
        "Apply in person with a photograph. A new passport takes three weeks to arrive.",
    ),
    "/office/waste": ("Waste collection", "Paper is collected on the first Monday of the month, glass at the depot."),
    "/office/marriage": (
        "Getting married",
        "The registry office marries couples on Fridays, and on the lighthouse too.",
    ),
    "/news/2024/storm": (
        "Storm warning",
        "A storm from the north west is expected. Moor your boat twice, stay inside.",
    ),
    "/news/2023/bridge": (
        "The bridge reopens",
        "After two years of repairs the bridge over the inlet carries cars again.",
    ),
}
LINKED = {"/office/waste"}  # pages whose text is links to other pages
DATES = {"/news/2024/storm": "2024-11-02", "/news/2023/bridge": "2023-05-01"}


def article(path: str, title: str, text: str) -> Article:
    """One page; its first folder is its category."""
    blocks = (Block("paragraph", text, linked=len(text) if path in LINKED else 0),)
    sections = (
        Section((title,), "", blocks),
        Section((title, "Contact"), "contact", (Block("paragraph", "Ask at the counter."),)),
    )
    category = path.split("/")[1]
    tags = ("money",) if category == "fees" else ()
    return Article(SITE + path, title, sections, "en", category=category, tags=tags, modified=DATES.get(path, ""))


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return encoders.load(ModelSettings(name=ENGLISH))


@pytest.fixture(scope="session")
def folder(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's snapshot folder; one of its pages has a twin."""
    folder = tmp_path_factory.mktemp("library")
    texts = TEXTS | {"/travel/ferry-copy": TEXTS["/travel/ferry"]}
    settings = IndexSettings(summaries=False)
    articles = [article(path, title, text) for path, (title, text) in texts.items()]
    drafts = (PageDraft(one, split(one, encoder, settings)) for one in articles)
    build(folder, drafts, encoder, settings)
    return folder


@pytest.fixture(scope="session")
def index(folder: Path) -> Iterator[Index]:
    opened = Index.open(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def engine_with(index: Index, encoder: Encoder) -> Callable[..., Engine]:
    """Engines over the library with other ranking settings."""

    def make(**settings: object) -> Engine:
        return Engine(index, encoder, RankingSettings(**settings), "snapshot-1")  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def engine(engine_with: Callable[..., Engine]) -> Engine:
    return engine_with()
