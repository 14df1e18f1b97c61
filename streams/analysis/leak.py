"""Where leads are lost: held though the score is there, asked and never answered, sent and never delivered."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from streams.analysis.comparison import week
from streams.analysis.life import Life
from streams.analysis.trial import Held
from streams.scoring.instant import DAY, milliseconds
from streams.transition import Transition

ACTIVE: Final = 30 * DAY


class Leaks(NamedTuple):
    """`held`: leads with the score of an SQL, by what holds them; `hands` raised, of those past their deadline
    `unanswered`; `undelivered` handoffs, None where only a file was read."""

    held: dict[str, int]
    high: int
    hands: int
    unanswered: int
    undelivered: int | None


class Account(NamedTuple):
    """A company with several active people."""

    account: str
    people: int
    handed: int


class Change(NamedTuple):
    """A model that first moved a lead in this week."""

    week: str
    name: str
    version: str
    id: str


def leaks(
    lives: Sequence[Life], held: Iterable[Held], enter: float, delivered: frozenset[str] | None, end: int
) -> Leaks:
    """Everything that should not be."""
    known = {life.person for life in lives}
    high = [one for one in held if one.score >= enter and one.person in known]
    hands = [(life, one) for life in lives for one in life.told if one.type == "review_requested"]
    sent = {one.handoff_id for life in lives for one in life.handed}
    return Leaks(
        dict(Counter(code for one in high for code in one.codes).most_common()),
        len(high),
        len(hands),
        sum(_unanswered(life, one, end) for life, one in hands),
        None if delivered is None else len(sent - delivered),
    )


def _unanswered(life: Life, asked: Transition, end: int) -> bool:
    """Past its deadline, and since then neither SQL, nor out, nor a word of sales."""
    respond_by = asked.sales.get("respond_by")
    at = milliseconds(asked.occurred_at)
    if respond_by is None or milliseconds(str(respond_by)) > end:
        return False
    moved = any(
        one.to_stage in ("sql", "disqualified") and milliseconds(one.occurred_at) >= at
        for one in life.told
        if one.type == "stage_changed"
    )
    return not moved and not any(answer.at >= at for answer in life.said)


def accounts(lives: Sequence[Life], end: int) -> list[Account]:
    """Companies with two or more people who moved in the last month; the most first."""
    people: dict[str, set[str]] = defaultdict(set)
    handed: Counter[str] = Counter()
    for life in lives:
        for one in life.told:
            account = one.sales.get("account_key")
            if account is not None and milliseconds(one.occurred_at) > end - ACTIVE:
                people[str(account)].add(life.person)
                handed[str(account)] += one.handoff_id is not None
    found = [Account(key, len(members), handed[key]) for key, members in people.items() if len(members) > 1]
    return sorted(found, key=lambda account: (-account.people, account.account))


def changes(told: Iterable[Transition], zone_name: str) -> list[Change]:
    """The models in the order in which they came into force."""
    seen: dict[str, Change] = {}
    for one in sorted(told, key=lambda one: one.occurred_at):
        if one.model_id not in seen:
            monday = week(milliseconds(one.occurred_at), zone_name)
            seen[one.model_id] = Change(monday, one.model_name, one.model_version, one.model_id)
    return list(seen.values())
