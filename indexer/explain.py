"""Why a page is in the index, stale or missing: the crawl's part of ``indexer explain-url``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from indexer import robots, urls
from indexer.scope import Scope
from indexer.state import OTHER_TYPE, Page, State
from indexer.traps import Traps
from searchd.settings import CrawlSettings, SiteSettings

_NO_COPY: Final = {"gone": "there is no page", "refused": "it is not kept", "new": "no good answer yet"}
_MAX_SOURCES: Final = 5
_WAYS: Final = {
    "start": "a start page",
    "list": "in the list of addresses",
    "sitemap": "in a sitemap",
    "feed": "in a feed",
    "link": "by a link",
    "redirect": "by a redirect",
    "canonical": "as a canonical",
    "hreflang": "as a translation",
}


def crawl_facts(state: State, url: str, site: SiteSettings, settings: CrawlSettings) -> list[str]:
    """Sentences in the order in which the crawler decides: address, scope, robots.txt, traps, answer, identity."""
    address = urls.normalise(url, drop=frozenset(name.lower() for name in settings.drop_parameters))
    if not address:
        return [f"address: {url!r} is no web address"]
    facts = [f"address: {address}" + ("" if address == url else " (normalised)")]
    scope = site_scope(site)
    reason = scope.reason(address)
    facts.append(f"scope: outside, {reason}" if reason else "scope: belongs to the site")
    facts.append(_robots_fact(state, address, settings))
    page = state.page(address)
    if page is None:
        return facts + _unknown(state, address, settings)
    facts.append(f"found: {_found(page)}{_linked_from(state, page)}")
    facts.append(f"answer: {_answer(page)}")
    facts += _standing(state, page)
    return facts


def broken_links(state: State) -> list[tuple[str, str]]:
    """(address without a page, page that links to it) for every such address that pages still link to, once each."""
    gone = {page.url for page in state.pages() if page.kind == "gone"}
    return [(url, sources[0]) for url, sources in _sources(state, gone).items()]


def unread(state: State) -> list[tuple[str, str]]:
    """(address, why) of every page that the last request for it did not bring, files of other types left out."""
    asked = (page for page in state.pages() if page.error and not page.skipped)
    return [
        (page.url, page.error)
        for page in asked
        if page.kind in ("page", "new") or (page.kind == "refused" and not page.error.startswith(OTHER_TYPE))
    ]


def _linked_from(state: State, page: Page) -> str:
    """Where a missing page is linked, so that its owner can mend the links."""
    if page.kind != "gone":
        return ""
    sources = _sources(state, {page.url}).get(page.url, [])
    more = f" and {len(sources) - _MAX_SOURCES} more" if len(sources) > _MAX_SOURCES else ""
    return f"; linked from {', '.join(sources[:_MAX_SOURCES])}{more}" if sources else "; no page links to it now"


def _sources(state: State, wanted: set[str]) -> dict[str, list[str]]:
    """The pages that link to each of these addresses, in the order of their discovery."""
    found: dict[str, list[str]] = {}
    for url, _, links in state.links() if wanted else ():
        for link in links:
            if link.url in wanted:
                found.setdefault(link.url, []).append(url)
    return found


def site_scope(site: SiteSettings) -> Scope:
    """The site's scope by its settings."""
    starts = (urls.normalise(address) for address in (site.url, *site.start, *site.hosts))
    return Scope({urls.origin(url) for url in starts if url}, site.include_paths, site.exclude_paths)


def _robots_fact(state: State, url: str, settings: CrawlSettings) -> str:
    fact = state.get_fact(f"robots {urls.origin(url)}")
    if fact is None:
        return "robots.txt: not read yet, or it failed"
    rules = robots.judge(fact["status"], fact["body"], settings.user_agent)
    verdict = "allows it" if rules.allows(url) else f"disallows it for {settings.user_agent}"
    return f"robots.txt: {verdict} (status {fact['status']}, read {_when(fact['at'])})"


def _unknown(state: State, url: str, settings: CrawlSettings) -> list[str]:
    traps = Traps(settings, (page.url for page in state.pages()))
    verdict = traps.shape(url) or traps.pattern(url)
    if verdict is not None:
        return [f"trap: not fetched, {verdict.why}; raise {verdict.setting} if such pages matter"]
    if state.count_known() >= settings.max_pages:
        return [f"limit: not fetched, {settings.max_pages} pages are known; raise max_pages"]
    return ["found: never; no crawled page links to it and no sitemap names it"]


def _found(page: Page) -> str:
    return f"{_WAYS.get(page.source, page.source)}, {page.depth} link{'s' * (page.depth != 1)} from a start page"


def _answer(page: Page) -> str:
    if page.skipped:
        return f"not asked for, {page.skipped}"
    if not page.checked_at:
        return "not asked for yet"
    answer = f"status {page.status or 'none'} {_when(page.checked_at)}"
    return f"{answer}; {page.error}" if page.error else answer


def _standing(state: State, page: Page) -> list[str]:
    """What became of the answer."""
    if page.kind == "redirect":
        return [f"redirect: to {page.target}"]
    if page.kind != "page":
        return [f"copy: none, {_NO_COPY[page.kind]}"]
    facts = [f"copy: fetched {_when(page.fetched_at)}, changed {_when(page.changed_at)}, {page.content_type}"]
    if page.gone_since:
        facts.append(f"missing since {_when(page.gone_since)}: the copy goes when a later request is answered the same")
    elif page.error:
        facts.append("stale: the last fetch failed, so the old copy stays")
    if page.noindex:
        facts.append("noindex: the page asks not to be indexed")
    if page.canonical and page.canonical != page.url:
        facts.append(f"canonical: names {page.canonical}")
    identities = state.identities()
    if page.url in identities.aliases:
        others = identities.aliases[page.url]
        facts.append("document: yes" + (f", also for {', '.join(others)}" if others else ""))
    elif page.url in identities.of:
        facts.append(f"document: no, it is the same page as {identities.of[page.url]}")
    else:
        facts.append("document: no" + ("" if page.noindex else ", its canonical is a page of another site"))
    return facts


def _when(seconds: float) -> str:
    if not seconds:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).strftime("on %Y-%m-%d at %H:%M UTC")
