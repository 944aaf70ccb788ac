"""Comments as people write them, in Markdown, turned into the few tags that a comment needs."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

DEEPEST = 20
TAGS = {"p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"}
# No HTML of one's own, no pictures (they would tell their server who reads), no headings (the page has its own).
_reader = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).disable(["image", "heading", "lheading"])


@lru_cache(maxsize=1000)
def html(text: str) -> str:
    """Safe HTML: whatever the reader lets through, only allowed tags and web links are left."""
    return nh3.clean(_reader.render(text), tags=TAGS, attributes={"a": {"href"}}, generic_attribute_prefixes=set(),
                     url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer nofollow")


def is_too_deep(text: str) -> bool:
    """Whether quotes or lists nest so deep that the reader would leave the rest out."""
    return max((token.level for token in _reader.parse(text)), default=0) >= DEEPEST - 1
