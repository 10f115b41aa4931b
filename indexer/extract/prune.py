"""What is not the article inside the article's container: menus, contents lists, share bars, related links."""

from __future__ import annotations

import re
from collections.abc import Callable

from indexer.extract.document import HEADING, Node
from indexer.extract.root import MIN_CHARS, select

_TAGS = frozenset({"nav", "footer", "form", "dialog"})
_ROLES = frozenset(
    {"navigation", "search", "banner", "contentinfo", "dialog", "alertdialog", "toolbar", "menu", "menubar", "tablist"}
)
# Names that hold no content whatever is in them, and names that do where links or little text confirm it.
_SURE = re.compile(
    r"(^|[\s_-])(toc|table-?of-?contents|breadcrumbs?|navheader|navfooter|navbar|pagination|pager|prev-?next|"
    r"skip-?(to-?content|links?)|edit-(this-)?page|share-?(bar|buttons?|links?|tools?)|social-?(share|sharing|links?|icons?|buttons?|bar)|"
    r"addtoany|sharedaddy|disqus|outbrain|taboola|newsletter-?(signup|form|box)?|cookie-?(banner|notice|consent)|"
    r"screen-reader-text|sr-only|visually-?hidden|noprint|site-(header|footer)|page-(header|footer)|masthead|"
    r"adsbygoogle|advert(isement)?s?)($|[\s_-])",
    re.IGNORECASE,
)
_LIKELY = re.compile(
    r"(^|[\s_-])(nav|navigation|menu|sidebar|related|recommended|recommendations|share|sharing|social|comments?|respond|"
    r"promo|sponsored|trending|popular|most-?(read|viewed)|more-?(from|stories|news)|tags?|taglist|tag-?links|"
    r"by-?line|author-?(bio|box|info)|footer|copyright|subscribe|signup|widget|ad|ads)($|[\s_-])",
    re.IGNORECASE,
)
_CHECKED = frozenset({"div", "ul", "ol", "dl", "p", "section", "aside", "header", "table"})
_LINKED = 0.4  # share of link text that confirms a likely name
_SHORT = 80  # characters that confirm it as well: "Share on ..."


_COMMENTS = re.compile(
    r"(^|[\s_-])(comments|commentlist|comment-(list|thread|section)|disqus_thread)($|[\s_-])", re.IGNORECASE
)
_BUDGET = 0.6  # of a page with hardly any text may go with one element
_INLINE_NOISE = re.compile(
    r"(^|[\s_-])(edit-?section|sr-only|visually-?hidden|screen-reader-text)($|\s)", re.IGNORECASE
)
_MAX_RAIL = 2_000  # characters
_PAGER_SIGNS = 20  # characters beside each link of a pager: "Previous: ", " | "
_MIN_OPENER = 15  # characters of a question that opens its answer; shorter buttons say "Copy" or "Menu"
_WORD = re.compile(r"[^\W_]+")
_MAX_SHARE = 0.3  # of the prose may go with one element: more is the article, whatever its class says


def pruner(roots: tuple[Node, ...], exclude: tuple[str, ...]) -> Callable[[Node], bool]:
    """Return a predicate: is this node left out of the article?"""
    excluded = {id(node) for root in roots for node in select(root, exclude)} if exclude else set()
    total = sum(root.chars for root in roots)
    budget = max(total - MIN_CHARS, _BUDGET * total)
    prose = sum(root.chars - root.link_chars for root in roots)
    verdicts: dict[int, bool] = {}

    def dropped(node: Node) -> bool:
        verdict = verdicts.get(id(node))
        if verdict is None:
            # What would leave nothing is the page: an index is made of the links that elsewhere are navigation.
            small = node.chars - node.link_chars <= _MAX_SHARE * prose or _is_comments(node) or _is_footer(node)
            verdict = id(node) in excluded or (node.chars <= budget and small and is_navigation(node))
            verdicts[id(node)] = verdict
        return verdict

    return dropped


def is_navigation(node: Node) -> bool:
    """Whether markup or links say that a node is not part of the text."""
    if node.name == "button":
        return not _is_opener(node)
    if node.name in _TAGS or node.attrs.get("role") in _ROLES:
        return True
    if node.name == "h1":
        return _is_site_name(node)
    if node.name == "span":
        return bool(_INLINE_NOISE.search(str(node.attrs.get("class", ""))))
    if node.name not in _CHECKED:
        return False
    if (node.sequence_links > 1 and _is_pager(node)) or _is_page_frame(node):
        return True
    names = _names(node)
    if names and node.name != "table":
        if _SURE.search(names) or _COMMENTS.search(names):
            return True
        if _LIKELY.search(names) and (node.link_share >= _LINKED or node.chars <= _SHORT):
            return True
    return _is_link_list(node)


def _is_pager(node: Node) -> bool:
    """Links to the next page, the one before, the contents: a book's pages say so in rel, whatever holds the links."""
    return node.sequence_links >= 0.5 * node.links and node.chars - node.link_chars <= _PAGER_SIGNS * node.links


def _is_page_frame(node: Node) -> bool:
    """What stands around the page itself and not around an article: a header without heading, an aside, a footer.

    Directly inside body, header and aside are the landmarks banner and complementary (ARIA in HTML, 4).
    """
    if _is_footer(node):
        return True
    if node.name not in {"header", "aside"} or node.parent is None or node.parent.name != "body":
        return False
    return node.find(HEADING) is None


def _is_footer(node: Node) -> bool:
    """The page's footer, however short the text above it."""
    return node.attrs.get("id") == "footer"


def _is_site_name(heading: Node) -> bool:
    """A first heading that is nothing but a link to another page: the site's name above the page's own heading."""
    if heading.link_share < 1 or heading.find("a", href=re.compile("^[^#]")) is None:
        return False
    return isinstance(other := heading.find_next("h1"), Node) and other.link_share < 1


def _is_opener(button: Node) -> bool:
    """A button that is a heading's text or opens the text below, as in lists of questions and answers."""
    if any(HEADING.match(parent.name) or parent.name in {"dt", "summary"} for parent in button.parents):
        return True
    return button.chars >= _MIN_OPENER and ("aria-expanded" in button.attrs or "aria-controls" in button.attrs)


def _is_comments(node: Node) -> bool:
    """Readers' comments: often longer than the article."""
    return bool(_COMMENTS.search(_names(node)))


def _names(node: Node) -> str:
    """Class and id, without an id that was made from the heading inside ("tags-and-comments" is a section)."""
    name, classes = str(node.attrs.get("id", "")), str(node.attrs.get("class", ""))
    if not name or not (_LIKELY.search(name) or _SURE.search(name) or _COMMENTS.search(name)):
        return classes
    heading = node.find(HEADING)
    said = set(_WORD.findall(heading.get_text().lower())) if heading is not None else set()
    named = _WORD.findall(name.lower())
    return classes if sum(word in said for word in named) > 0.5 * len(named) else f"{classes} {name}"


def _is_link_list(node: Node) -> bool:
    """In-page contents lists, groups of them, and language switches: their links say where they lead."""
    if not node.link_chars or node.name == "table":
        return False
    if node.language_links >= 0.5 * node.links:
        return node.chars - node.link_chars <= 40 + 3 * node.links
    if node.link_share > 0.6 and node.links >= 3 and node.local_links > 0.8 * node.links:
        return True
    return bool(node.local_links) and node.name in {"div", "aside"} and _is_rail(node)


def _is_rail(node: Node) -> bool:
    """A box of nothing but link lists under headings, places of this page among them: "On this page", "Links"."""
    if node.chars > _MAX_RAIL or node.link_share < 0.5:
        return False
    if not any(isinstance(ul, Node) and ul.local_links for ul in node.find_all("ul")):  # headings link to themselves
        return False
    titles = sum(heading.chars for heading in node.find_all(HEADING) if isinstance(heading, Node))
    return node.chars - node.link_chars - titles <= 0.05 * node.chars
