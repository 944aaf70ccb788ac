"""Comments: what may be written, what comes out of it, whose they are."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from apps.accounts.refusal import Refused
from apps.portfolios import actions
from apps.portfolios.actions import Forbidden
from apps.portfolios.markdown import TAGS, html
from apps.portfolios.models import Comment
from tests.apps.portfolios.conftest import Shop


class Tags(HTMLParser):
    """Every tag with its attributes, as a browser would read them."""

    def __init__(self, made: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(made)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![x](http://tracker/pixel.png)", "<b onclick=x>hi</b>",
    "[x](javascript:alert(1))", "[x](data:text/html,<script>)", "<a href='javascript:x'>x</a>", "`<script>`",
    "<!-- x --><svg/onload=x>", "[x](http://a 'title\" onclick=alert(1) x=')", "&lt;script&gt;", "```\n<script>\n```",
    "<javascript:alert(1)>", "[x]: javascript:alert(1)\n\n[x]", "# <style>*{display:none}</style>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_html_or_pictures_gets_through(text: str) -> None:
    for tag, attributes in Tags(html(text)).found:
        assert tag in TAGS and set(attributes) <= {"href", "rel", "title"}
        assert str(attributes.get("href", "http:")).startswith(("http:", "https:", "mailto:"))


def test_the_plain_marks_work() -> None:
    made = html("*a* **b** `c`\n\n- d\n\n> e\n\n[f](https://example.org)")
    for part in ("<em>a</em>", "<strong>b</strong>", "<code>c</code>", "<li>d</li>", "<blockquote>",
                 '<a href="https://example.org" rel="noopener noreferrer nofollow">f</a>'):
        assert part in made


@pytest.mark.parametrize(("text", "why"), [
    (">" * 9_999, "nest too deep"), ("x" * 10_001, "At most 10,000"), ("a\x00b", "cannot be shown"),
    ("\ud800", "cannot be shown"), ("  \n ", "Write something"), ("\u200b\u202e", "Write something"),
    (None, "must be text"), (["a"], "must be text")])
def test_what_cannot_be_kept_is_refused_in_a_sentence(shop: Shop, text: object, why: str) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(Refused, match=why) as refused:
        actions.comment(shop.cast.alice, portfolio, text)  # type: ignore[arg-type]
    assert list(refused.value.errors) == ["text"] and not Comment.objects.exists()


def test_a_comment_on_a_cell_keeps_its_name_when_the_cell_goes(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    criterion = shop.asked(portfolio)
    made = actions.comment(shop.cast.ruth, portfolio, "on which board?", criterion.pk, shop.made["net"].pk)
    actions.remove_criterion(shop.cast.alice, portfolio, criterion.pk)
    made.refresh_from_db()
    assert made.criterion is None and made.about == "latency p50 at most 5 ms · net"


@pytest.mark.parametrize(("criterion", "variant"), [("999", ""), ("abc", "x"), (None, "x"), ("9" * 40, "net")])
def test_a_comment_on_a_cell_that_is_gone_is_refused(shop: Shop, criterion: str | None, variant: str) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    with pytest.raises(Refused, match="is gone"):
        actions.comment(shop.cast.ruth, portfolio, "here", criterion, variant)


def test_only_who_wrote_a_comment_changes_it(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    made = actions.comment(shop.cast.ruth, portfolio, "slow")
    for act in (lambda: actions.edit_comment(shop.cast.alice, portfolio, made.pk, "fast"),
                lambda: actions.delete_comment(shop.cast.alice, portfolio, made.pk)):
        with pytest.raises(Forbidden):
            act()
    actions.edit_comment(shop.cast.ruth, portfolio, made.pk, "slower")
    made.refresh_from_db()
    assert made.text == "slower" and made.edited
    actions.delete_comment(shop.cast.ruth, portfolio, made.pk)
    assert not Comment.objects.exists()


def test_a_comment_of_another_portfolio_is_not_there(shop: Shop) -> None:
    one, other = shop.portfolio(shop.variant("net")), shop.portfolio(shop.variant("more"), name="Gate")
    made = actions.comment(shop.cast.ruth, one, "slow")
    with pytest.raises(Refused, match="not there any more"):
        actions.resolve(shop.cast.ruth, other, made.pk)


def test_anybody_who_comments_resolves_and_reopens(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    made = actions.comment(shop.cast.ruth, portfolio, "slow")
    actions.resolve(shop.carol, portfolio, made.pk)
    made.refresh_from_db()
    assert made.resolved_by == shop.carol
    actions.resolve(shop.cast.ruth, portfolio, made.pk, False)
    made.refresh_from_db()
    assert made.resolved is None


def test_talking_changes_no_version(shop: Shop) -> None:
    portfolio = shop.portfolio(shop.variant("net"))
    actions.comment(shop.cast.ruth, portfolio, "fine")
    before = portfolio.version
    portfolio.refresh_from_db()
    assert portfolio.version == before
