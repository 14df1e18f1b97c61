"""Page groups and visits.

Readings:
- A page view without a URL, or of the start page, is content.
- A locale is two letters, or two letters, `-` or `_`, and two letters or digits more (`/en`, `/ja-jp`).
- Machines' and retracted page views belong to no chain.
- A visit that began before a return counts if the page that dates it for the rule is after it.
- `careers` visits are dated at their first careers page.
"""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from tests.reference.b2b.facts import MINUTE, Fact

GROUPS = {
    "none": "/login /signin /mypage /support /help /status /privacy /terms /unsubscribe",
    "careers": "/careers /jobs /recruit /saiyo /採用",
    "pricing": "/pricing /price /plans /ryokin /料金 /価格",
    "product": "/product* /service* /solution* /features /seihin /製品 /サービス /case* /jirei /導入事例",
}
VISITED = ("content", "product", "pricing")
PRODUCT = ("product", "pricing")
VISIT_GAP = 30 * MINUTE


def path_of(url: str) -> str:
    try:
        path = urlsplit(url.strip()).path
    except ValueError:
        return "/"
    path = unicodedata.normalize("NFKC", unquote(path)).lower()
    return re.sub(r"^/[a-z]{2}([-_][a-z0-9]{2})?(?=/|$)", "", path) or "/"


def fits(path: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return path == pattern or path.startswith(pattern + "/")


def group_of(view: Fact) -> str:
    path = path_of(view.text("url"))
    for name, patterns in GROUPS.items():
        if any(fits(path, pattern) for pattern in patterns.split()):
            return name
    return "content"


def visits(facts: Iterable[Fact]) -> list[list[Fact]]:
    """The page views, visit by visit."""
    found: list[list[Fact]] = []
    sessions: dict[str, list[Fact]] = {}
    chain: list[Fact] = []
    for fact in facts:
        if fact.type != "page_viewed":
            continue
        session = fact.text("session_id")
        if session and session in sessions:
            sessions[session].append(fact)
        elif session:
            sessions[session] = [fact]
            found.append(sessions[session])
        elif chain and fact.at - chain[-1].at < VISIT_GAP:
            chain.append(fact)
        else:
            chain = [fact]
            found.append(chain)
    return found


def dated(facts: Iterable[Fact], groups: tuple[str, ...]) -> list[Fact]:
    """For each visit with a page of these groups, the first such page; oldest first."""
    pages = [[view for view in visit if group_of(view) in groups] for visit in visits(facts)]
    return sorted((views[0] for views in pages if views), key=lambda fact: fact.position)
