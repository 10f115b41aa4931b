"""What is not the article inside the article's container: menus, contents lists, share bars, related links."""

from __future__ import annotations

import re
from collections.abc import Callable

from indexer.extract.document import Node
from indexer.extract.root import select

_DROPPED_TAGS = frozenset({"nav", "footer", "form", "button", "dialog"})
_DROPPED_ROLES = frozenset({"navigation", "search", "banner", "contentinfo", "complementary", "dialog", "toolbar"})
_NAMES = re.compile(
    r"(^|[\s_-])(toc|table-of-contents|breadcrumbs?|share|sharing|social|related|comments?|disqus|newsletter|subscribe|"
    r"cookies?|promo|sidebar|sidebox|navheader|navfooter|nav|navbar|navigation|menu|pagination|pager|prev-?next|"
    r"edit-(this-)?page|skip-?links?|advert(isement)?s?|ads?|sponsored|byline|tags|taglist|recommend(ed|ations?)?|"
    r"most-?read|trending|popular|outbrain|taboola|print-only|noprint|sr-only|screen-reader-text|visually-?hidden)($|[\s_-])",
    re.IGNORECASE,
)
_CHECKED = frozenset("div ul ol dl p section aside table header span figure".split())


def pruner(roots: tuple[Node, ...], exclude: tuple[str, ...]) -> Callable[[Node], bool]:
    """Return a predicate: is this node left out of the article?"""
    excluded = {id(node) for root in roots for node in select(root, exclude)} if exclude else set()
    limit = 0.4 * sum(root.chars for root in roots)

    def dropped(node: Node) -> bool:
        if id(node) in excluded:
            return True
        return node.chars <= limit and is_navigation(node)

    return dropped


def is_navigation(node: Node) -> bool:
    """Whether markup or links say that a node is not part of the text."""
    if node.name in _DROPPED_TAGS or node.attrs.get("role") in _DROPPED_ROLES:
        return True
    if node.name not in _CHECKED:
        return False
    if _NAMES.search(f"{node.attrs.get('class', '')} {node.attrs.get('id', '')}"):
        return True
    return bool(node.link_chars) and node.link_share > 0.5 and _is_link_list(node)


def _is_link_list(node: Node) -> bool:
    """In-page contents lists and language switches: their links say where they lead."""
    links = node.find_all("a", href=True)
    if len(links) < 3:
        return False
    inner = sum(str(link.attrs["href"]).startswith("#") for link in links)
    switches = sum("hreflang" in link.attrs for link in links)
    return inner > 0.8 * len(links) or switches > 0.8 * len(links)
