"""What a <title> is made of: the page's name, the site's, and signs between them."""

from __future__ import annotations

import re

_SIGNS = r"\s+[|·•»›:–—-]+\s+|\s*[|»]\s*|\s::\s"
ANY_SEPARATOR = re.compile(rf"{_SIGNS}|:\s+")
SEPARATOR = re.compile(rf"{_SIGNS}|:\s+(?=[^:]*$)")  # of colons only the last: a page's own name may hold one


def key(text: str) -> str:
    """The words of a text in lower case, with one space between them."""
    return " ".join(re.findall(r"\w+", text.lower()))


def squeezed(text: str) -> str:
    """The words of a text without any space: "The Space Review" is "thespacereview", as in its address."""
    return key(text).replace(" ", "")


def names_the_site(heading: str, title: str, own_heading: str) -> bool:
    """Whether <title> reads "Page | Site", the heading being the site and the article's own heading the page."""
    parts = [key(part) for part in SEPARATOR.split(title)]
    return key(heading) in parts and key(own_heading) in parts and key(heading) != key(own_heading) != ""
