"""Won deals by the channel that came first and the one that came last, in one currency."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from streams.analysis.source import Event
from streams.analysis.trial import Answer
from streams.fit.money import money
from streams.scoring.attribute import plain
from streams.scoring.model import Model

UNKNOWN: Final = "unknown"
ChannelOf = Callable[[Mapping[str, Any]], str | None]


class Touch(NamedTuple):
    """The channels of somebody's first visit, and of the last before the deal was won."""

    first: str
    last: str


class Won(NamedTuple):
    """Deals and their worth. `unpriced`: deals without an amount that can be read or exchanged."""

    currency: str
    deals: int
    amount: float
    unpriced: int
    first: dict[str, float]
    last: dict[str, float]


def touches(events: Iterable[Event], answers: Iterable[Answer], channel_of: ChannelOf) -> dict[str, Touch]:
    """The touches of each won deal, by the event id that won it: of all who are kin to whom it names."""
    won = {answer.event_id: answer.at for answer in answers if answer.kind == "deal_won"}
    kins: dict[int, list[str]] = defaultdict(list)
    for event in events:
        if event.answer and event.event_id in won:
            kins[event.kin].append(event.event_id)
    seen: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for event in events:
        if event.kin in kins and not event.answer:
            channel = _channel(event.raw, channel_of)
            if channel is not None:
                seen[event.kin].append((event.at, channel))
    found: dict[str, Touch] = {}
    for kin, deals in kins.items():
        for deal in deals:
            before = sorted(one for one in seen[kin] if one[0] <= won[deal])
            found[deal] = Touch(before[0][1], before[-1][1]) if before else Touch(UNKNOWN, UNKNOWN)
    return found


def _channel(raw: bytes, channel_of: ChannelOf) -> str | None:
    """What the edge noted as the visit's channel, else what its address and referrer say."""
    document = msgspec.json.decode(raw)
    if document.get("is_machine"):
        return None
    told = document.get("channel") if document.get("type") == "page_viewed" else None
    return str(told) if told else channel_of(document)


def won(answers: Iterable[Answer], touches: Mapping[str, Touch], model: Model, out: frozenset[str]) -> Won:
    """All won deals, each once, in the model's currency."""
    currency = model.source.currency
    deals = [answer for answer in answers if answer.kind == "deal_won" and answer.person not in out]
    first: dict[str, float] = defaultdict(float)
    last: dict[str, float] = defaultdict(float)
    priced = [(deal, amount) for deal in deals if (amount := _amount(deal, model)) is not None]
    for deal, amount in priced:
        touch = touches.get(deal.event_id, Touch(UNKNOWN, UNKNOWN))
        first[touch.first] += amount
        last[touch.last] += amount
    total = sum(amount for _, amount in priced)
    return Won(currency, len(deals), round(total, 2), len(deals) - len(priced), _sorted(first), _sorted(last))


def _amount(deal: Answer, model: Model) -> float | None:
    """What a deal is worth in the model's currency; None where that cannot be told."""
    wanted = model.source.currency
    found = money(plain(deal.amount), "year", deal.currency or wanted)
    if found is None:
        return None
    if found.currency == wanted:
        return found.a_year
    rates = _rates(model)
    if found.currency not in rates or wanted not in rates:
        return None
    return found.a_year * rates[found.currency] / rates[wanted]


def _rates(model: Model) -> dict[str, float]:
    fit = model.source.fit
    rows = model.source.lists.get(fit.usd_rates, []) if fit is not None else []
    return {row[0]: float(row[1]) for row in rows}


def _sorted(amounts: dict[str, float]) -> dict[str, float]:
    return {name: round(amount, 2) for name, amount in sorted(amounts.items(), key=lambda item: -item[1])}
