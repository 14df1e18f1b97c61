"""The account agent: colleagues know of each other, on whichever partitions they live and whatever dies when."""

import json
from collections import Counter, defaultdict
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.event import FEEDBACK_TYPES
from streams import account_message, account_record, order, topics
from streams.account_record import ACTIVE_DAYS, MOST_HANDED, MOST_PEOPLE, Account
from streams.follow_up.account import account_key
from streams.identity.keys import partition_of
from streams.lane.record import Record
from streams.lane.redo import joined
from streams.local import Local
from streams.model_file import load
from streams.scoring import lead as records
from streams.scoring.attribute import SAID
from streams.scoring.instant import DAY, NEVER
from streams.scoring.lead import Lead, Version
from streams.scoring.model import Model, compile_model
from streams.shard import Shard
from tests.laboratory import Crash, Laboratory, key_of, terms_of
from tests.reference.b2b.adapter import b2b
from tests.scoring.b2b_journeys import day, form, sales, utc, view

Document = dict[str, Any]
MODEL = b2b()
DOMAIN = "aozora.example"
ACCOUNT = account_key(DOMAIN) or ""
KANA, REN, YUI = (f"{name}@{DOMAIN}" for name in ("kana", "ren", "yui"))
PARTITIONS = 3
SEEDS = st.integers(0, 2**32)
COMPANY = {"company": "Aozora", "employees": 500, "industry": "software", "country": "JP"}


def demo(event_id: str, at: int, who: str, **fields: Any) -> Document:
    """A request that hands over at once."""
    told = {"email": who, "title": "VP Marketing", "first_name": who.partition("@")[0].title(), **COMPANY}
    return form(event_id, at, "demo", **told | fields)


def topic_of(document: Document) -> str:
    return topics.SALES_FEEDBACK if document["type"] in FEEDBACK_TYPES else topics.LEAD_ACTIVITIES


def wire(document: Document) -> bytes:
    return msgspec.json.encode({name: value for name, value in document.items() if value is not None})


def fed(documents: list[Document], partitions: int = PARTITIONS, model: Model = MODEL) -> Local:
    local = Local(terms_of(model), partitions)
    for number, document in enumerate(documents):
        arrival = utc(document["occurred_at"])
        local.pass_time(arrival)
        assert local.feed(topic_of(document), wire(document), arrival, number % partitions) is None
    return local


def given_out(local: Local) -> list[dict[str, Any]]:
    """The data of what sales got, in its order."""
    effects = local.outputs.get(topics.SALES_HANDOFFS, [])
    return [json.loads(effect.value or b"")["data"] for effect in effects]


def handoffs(local: Local) -> dict[str, dict[str, Any]]:
    return {data["email"]: data for data in given_out(local) if "email" in data}


def account(local: Local, key: str = ACCOUNT) -> Account | None:
    return local.shards[partition_of(key, len(local.shards))].table.account(key)


# --- the second handoff names the first


def test_the_second_handoff_of_a_company_names_the_first() -> None:
    owner = sales("owner_changed", "o", day(-1), email=KANA, sales_person="Sato")
    local = fed([owner, demo("a", day(), KANA), demo("b", day(1), REN)])
    first, second = handoffs(local)[KANA], handoffs(local)[REN]
    assert (first["colleagues"], first["colleague_handoff_id"], first["colleagues_active_30d"]) == (None, None, 0)
    assert second["colleagues_active_30d"] == 1
    assert second["colleague_handoff_id"] == first["handoff_id"]
    assert second["colleague_handed_over_at"] == "2026-11-02T01:00:00.000Z"
    assert second["colleague_owner"] == "Sato"
    assert second["colleagues"] == "Kana (VP Marketing), handed over on 2 Nov to Sato, still with sales"
    assert first["account_key"] == second["account_key"] == ACCOUNT


def test_it_does_so_in_japanese() -> None:
    model = load("b2b")
    assert isinstance(model, Model)
    local = fed([demo("a", day(), KANA), demo("b", day(1), REN)], model=in_japanese(model))
    told = handoffs(local)[REN]
    assert told["colleagues"] == "Kana様（VP Marketing）を11月2日にjp-sdrへ引き渡し、営業が対応中"
    assert told["consent_basis"] == "11月3日の本人からの依頼"


def in_japanese(model: Model) -> Model:
    source = model.source.model_copy(update={"language": "ja"})
    return compile_model(source, model.pipeline)


@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        (("handoff_accepted", {}), "accepted by sales"),
        (("handoff_rejected", {"reason": "timing"}), "came back from sales"),
        (("deal_won", {}), "became a customer"),
        (("lead_disqualified", {"reason": "spam"}), "ruled out"),
    ],
)
def test_it_says_where_the_first_stands_by_now(answer: tuple[str, Document], stands: str) -> None:
    kind, fields = answer
    said = sales(kind, "s", day(0, 1), email=KANA, **fields)
    local = fed([demo("a", day(), KANA), said, demo("b", day(1), REN)])
    assert str(handoffs(local)[REN]["colleagues"]).endswith(stands)


def test_a_handoff_that_sales_works_on_is_named_before_newer_ones_that_came_back() -> None:
    back = sales("handoff_rejected", "r", day(1, 1), email=REN, reason="timing")
    local = fed([demo("a", day(), KANA), demo("b", day(1), REN), back, demo("c", day(2), YUI)])
    told = handoffs(local)
    assert told[YUI]["colleague_handoff_id"] == told[KANA]["handoff_id"]
    assert [line.split(" ")[0] for line in told[YUI]["colleagues"].splitlines()] == ["Kana", "Ren"]
    assert told[YUI]["colleagues_active_30d"] == 2


def test_who_has_no_company_is_handed_over_without_an_account() -> None:
    private = {"email": "kana@gmail.com", "phone": "+81312345678"}
    local = fed([form("a", day(), "contact", **COMPANY | private)])
    (told,) = given_out(local)
    assert (told["account_key"], told["colleagues_active_30d"], told["colleagues"]) == (None, None, None)
    assert topics.ACCOUNT_ACTIVITIES not in local.outputs


def test_a_model_that_routes_nobody_tells_no_account_of_anybody() -> None:
    model = load("published")
    assert isinstance(model, Model)
    local = fed([demo("a", day(), KANA), view("v", day(1)) | {"email": KANA}], model=model)
    assert topics.ACCOUNT_ACTIVITIES not in local.outputs


def test_keys_on_the_topic_hold_no_personal_data_and_are_on_their_partition() -> None:
    local = fed([demo("a", day(), KANA), view("v", day(1)) | {"email": KANA}])
    told = local.outputs[topics.ACCOUNT_ACTIVITIES]
    assert {effect.key for effect in told} == {ACCOUNT.encode()}
    assert {effect.partition for effect in told} == {partition_of(ACCOUNT, PARTITIONS)}


# --- who is active


def test_colleagues_count_if_they_did_something_themselves_within_thirty_days() -> None:
    def visit(event_id: str, at: int, who: str, **fields: Any) -> Document:
        return view(event_id, at) | {"email": who} | fields

    documents = [
        visit("old", day(-ACTIVE_DAYS), f"old@{DOMAIN}"),
        visit("just", day(1 - ACTIVE_DAYS), f"just@{DOMAIN}"),
        visit("twice", day(-2), f"twice@{DOMAIN}"),
        visit("again", day(-1), f"twice@{DOMAIN}"),
        visit("bot", day(-1), f"bot@{DOMAIN}", is_machine=True),
        sales("sales_contacted", "call", day(-1), email=f"called@{DOMAIN}", direction="outbound"),
        visit("desk", day(-1), f"info@{DOMAIN}"),
        visit("else", day(-1), "someone@other.example"),
        demo("a", day(), KANA),
    ]
    assert handoffs(fed(documents))[KANA]["colleagues_active_30d"] == 2


def test_who_is_told_to_work_elsewhere_counts_there() -> None:
    moves = form("f", day(-2), "newsletter", email=REN, company_domain="other.example", company="Other")
    documents = [view("v", day(-3)) | {"email": REN}, moves, demo("a", day(), KANA)]
    documents.append(demo("b", day(1), "yui@other.example"))
    told = handoffs(fed(documents))
    assert (told[KANA]["colleagues_active_30d"], told["yui@other.example"]["colleagues_active_30d"]) == (0, 1)


def test_two_identities_of_one_person_are_one_colleague() -> None:
    known = sales("company_identified", "i", day(-5), email=None, user_id="u-7", company_domain=DOMAIN)
    documents = [known, view("v", day(-4)) | {"email": None, "user_id": "u-7", "anonymous_id": None}]
    documents.append(view("w", day(-4)) | {"email": REN})
    linked = sales("identities_linked", "l", day(-3), email=REN, user_id="u-7")
    apart = handoffs(fed([*documents, demo("a", day(), KANA)]))[KANA]
    united = handoffs(fed([*documents, linked, demo("a", day(), KANA)]))[KANA]
    assert (apart["colleagues_active_30d"], united["colleagues_active_30d"]) == (2, 1)


# --- erasure, and what follows a handoff


def test_an_erased_person_is_no_longer_named_and_no_colleague() -> None:
    erased = sales("lead_erased", "e", day(0, 2), email=KANA)
    local = fed([demo("a", day(), KANA), erased, demo("b", day(1), REN)])
    second = handoffs(local)[REN]
    assert (second["colleagues"], second["colleagues_active_30d"]) == (None, 0)
    kept = account(local)
    assert kept is not None
    assert b"Kana" not in account_record.encode(kept)


def test_a_handoff_that_comes_again_after_its_person_was_erased_is_not_given_out_again() -> None:
    local = fed([demo("a", day(), KANA)])
    told = next(e for e in local.outputs[topics.ACCOUNT_ACTIVITIES] if b"told" in (e.value or b"")[:10])
    local.feed(topics.SALES_FEEDBACK, wire(sales("lead_erased", "e", day(0, 1), email=KANA)), day(0, 1))
    assert len(given_out(local)) == 2
    shard = local.shards[told.partition]
    offset = shard.offsets[topics.ACCOUNT_ACTIVITIES]
    shard.apply(told.topic, [Record(told.topic, told.partition, offset, day(0, 2), told.key, told.value, [])])
    assert [effect.topic for effect in shard.take().effects] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (ACCOUNT.encode(), b"rubbish"),
        (ACCOUNT.encode(), None),
        (ACCOUNT.encode(), account_message.encode(account_message.Told(b"{}"))),
        (None, account_message.encode(account_message.Active(1, 2))),
        (b"e1-0", account_message.encode(account_message.Active(1, 2))),
        (b"\xff", account_message.encode(account_message.Active(1, 2))),
    ],
)
def test_what_is_no_message_to_an_account_is_a_dead_letter(key: bytes | None, value: bytes | None) -> None:
    shard = Shard(0, 1, terms_of(MODEL))
    shard.apply(topics.ACCOUNT_ACTIVITIES, [Record(topics.ACCOUNT_ACTIVITIES, 0, 0, day(), key, value, [])])
    changes = shard.take()
    assert [(effect.topic, effect.key, effect.value) for effect in changes.effects] == [
        (topics.DEAD_LETTERS, key, value)
    ]
    assert not len(shard.table)


def test_what_follows_a_handoff_comes_after_it_however_far_apart_the_partitions_are() -> None:
    documents = [
        demo("a", day(), KANA),
        form("q", day(0, 1), "quote", email=KANA, message="how much"),
        sales("lead_erased", "e", day(0, 2), email=KANA),
    ]
    local = fed(documents)
    told = given_out(local)
    assert [data.get("change") for data in told] == [None, "new_request", "erased"]
    assert len({data["handoff_id"] for data in told}) == 1
    partitions = {effect.partition for effect in local.outputs[topics.SALES_HANDOFFS]}
    assert partitions == {partition_of(key_of(email=KANA), PARTITIONS)}


def test_an_update_of_a_merged_lead_takes_the_way_of_its_handoff() -> None:
    user = {"email": None, "user_id": "u-7", "company_domain": DOMAIN, "phone": "+81312345678"}
    documents = [demo("a", day(), KANA) | user, sales("identities_linked", "l", day(1), email=KANA, user_id="u-7")]
    documents.append(sales("lead_erased", "e", day(2), email=KANA))
    told = given_out(fed(documents))
    assert [data.get("change") for data in told] == [None, "merged", "erased"]
    assert {data["lead_key"] for data in told} == {key_of(user="u-7")}


# --- under every order of reading, death and repetition


def journey(rng: Random) -> list[Document]:
    """Some weeks of colleagues who visit, ask, are answered and erased, and of one who has no company."""
    people = [f"{name}@{DOMAIN}" for name in ("kana", "ren", "yui", "sora")] + [
        "mei@gmail.com",
        "jo@other.example",
    ]
    found: list[Document] = []
    at = day()
    for number in range(30):
        at += rng.choice((0, 60_000, 3_600_000, DAY, 4 * DAY))
        who, name = rng.choice(people), f"x{number:02}"
        found.append(
            rng.choice(
                (
                    view(name, at) | {"email": who},
                    view(name, at) | {"email": who},
                    demo(name, at, who, phone="+81312345678"),
                    demo(name, at, who, phone="+81312345678"),
                    sales("handoff_rejected", name, at, email=who, reason=rng.choice(("timing", "spam"))),
                    sales("deal_won", name, at, email=who),
                    sales("lead_erased", name, at, email=who),
                    form(name, at, "quote", email=who, **COMPANY),
                )
            )
        )
    return found


def played(
    rng: Random, documents: list[Document], partitions: int, exactly_once: bool, deaths: float
) -> Laboratory:
    """The events, read in any order, by workers that die in any flush."""
    lab = Laboratory(terms_of(MODEL, exactly_once=exactly_once), partitions, rng)
    for document in documents:
        lab.send(document, topic_of(document), at=utc(document["occurred_at"]))
        while (unread := lab.unread()) and rng.random() < 0.9:
            number, topic = rng.choice(unread)
            first = lab.shards[number].offsets.get(topic, 0)
            lab.shards[number].apply(topic, lab.logs[topic, number][first : first + rng.randint(1, 3)])
            if rng.random() < 0.6:
                try:
                    lab.flush(number, lambda step: rng.random() >= deaths)
                except Crash:
                    lab.restart(number)
    lab.run()
    return lab


def sent(lab: Laboratory) -> dict[str, list[bytes]]:
    """What sales got, by the id of the event."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for value in lab.values(topics.SALES_HANDOFFS):
        found[json.loads(value)["id"]].append(value)
    return found


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([1, 2, 5]), st.booleans())
@example(55212, 2, False)  # a request that comes late, to a lead that sales had given back by then
def test_whatever_dies_each_handoff_is_given_out_with_the_same_bytes_and_replay_agrees(
    seed: int, partitions: int, exactly_once: bool
) -> None:
    rng = Random(seed)
    lab = played(rng, journey(rng), partitions, exactly_once, deaths=0.15)
    given = sent(lab)
    assert all(len(set(values)) == 1 for values in given.values()), "a repeat has the same bytes"
    assert not exactly_once or all(len(values) == 1 for values in given.values()), "none is given out twice"
    assert in_order(lab), "nothing is told of a handoff before it"
    issued = {json.loads(value)["handoff_id"] for value in lab.values(topics.LEAD_TRANSITIONS)} - {None}
    assert issued == {name for name in given if name.startswith("ho-")}, "none is missing"
    for number in range(partitions):
        again = replayed(lab, number)
        ours = {key: plain(key, value) for key, value in again.table.dump().items()}
        live = {key: plain(key, value) for key, value in lab.shards[number].table.dump().items()}
        assert ours == live


def in_order(lab: Laboratory) -> bool:
    """Whether each update follows the handoff that it is about."""
    known: set[str] = set()
    for value in lab.values(topics.SALES_HANDOFFS):
        data = json.loads(value)["data"]
        if "change" not in data:
            known.add(data["handoff_id"])
        elif data["handoff_id"] not in known:
            return False
    return True


def plain(key: str, value: bytes) -> object:
    """A record without what it may still owe."""
    if key.startswith(account_record.KEYS):
        record = account_record.decode(value)
        return record.attributes, record.people, record.handed
    lead = records.decode(value)
    lead.owed = ()
    return records.encode(lead, 0, 0, 0)


def replayed(lab: Laboratory, number: int) -> Shard:
    """A fresh shard that applies what the partition applied, in the order recorded."""
    shard = Shard(number, lab.partitions, lab.terms._replace(exactly_once=True))
    done: Counter[str] = Counter()
    for run in joined(run for value in lab.orders[number] for run in order.decode(value)):
        first = max(run.first, done[run.topic])
        if first < run.following:
            shard.apply(run.topic, lab.logs[run.topic, number][first : run.following])
            done[run.topic] = run.following
    shard.take()
    return shard


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([1, 2, 5]))
def test_of_colleagues_each_handoff_names_exactly_those_that_came_before_it(seed: int, partitions: int) -> None:
    rng = Random(seed)
    people = [f"{name}@{DOMAIN}" for name in ("kana", "ren", "yui", "sora", "mei")]
    documents = [demo(f"d{n}", day(0, n), who) for n, who in enumerate(people)]
    lab = played(rng, documents, partitions, exactly_once=True, deaths=0.1)
    log = [json.loads(value)["data"] for value in lab.values(topics.SALES_HANDOFFS)]
    named = {data["handoff_id"]: data["colleague_handoff_id"] for data in log}
    lines = sorted(len((data["colleagues"] or "").splitlines()) for data in log)
    assert lines == [0, 1, 2, 3, 3], "the first names nobody, each later one those before it, three at most"
    assert sum(other is None for other in named.values()) == 1
    assert all(other in named and other != one for one, other in named.items() if other is not None)


# --- the record


def test_a_record_of_the_format_before_is_read() -> None:
    said = {"company_domain": [Version(1, "r", SAID, DOMAIN)], "relationship": [Version(1, "r", SAID, "customer")]}
    before = records.encode(Lead(attributes=said), account_record.STAGE, NEVER, NEVER)
    assert account_record.decode(before) == Account(attributes=said)
    shard = Shard(0, 1, terms_of(MODEL))
    shard.restore(ACCOUNT.encode(), before)
    assert shard.restored() is None
    assert shard.population["company", "account"] == 1


def test_a_record_of_a_later_format_is_refused() -> None:
    shard = Shard(0, 1, terms_of(MODEL))
    value = account_record.encode(Account(people={1: 2}))
    shard.restore(ACCOUNT.encode(), bytes([account_record.FORMAT + 1]) + value[1:])
    refused = shard.restored()
    assert refused is not None
    assert "upgrade this worker" in refused.message


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(20_000, 20_100)), max_size=MOST_PEOPLE + 50))
@settings(max_examples=20, deadline=None)
def test_people_are_the_same_in_any_order_and_bounded(acts: list[tuple[int, int]]) -> None:
    def after(some: list[tuple[int, int]]) -> dict[int, int]:
        local = Local(terms_of(MODEL))
        shard = local.shards[0]
        for person, on in some:
            shard._agent.note(ACCOUNT, account_message.Active(person, on))
        found = shard.table.account(ACCOUNT)
        return {} if found is None else found.people

    once = after(acts)
    assert once == after(acts + acts[:3]) == after(acts[::-1])
    assert len(once) <= MOST_PEOPLE


def test_a_company_that_nobody_needs_any_more_is_swept_and_one_that_is_something_to_us_stays() -> None:
    customer = sales(
        "relationship_set", "r", day(), email=None, company_domain="two.example", relationship="partner"
    )
    visits = [view("v", day()) | {"email": KANA}, view("w", day()) | {"email": "jo@two.example"}]
    local = fed([customer, *visits])
    local.pass_time(day(ACTIVE_DAYS + 3))
    assert account(local) is None
    assert account(local, account_key("two.example") or "") is not None


def test_handoffs_kept_are_the_newest() -> None:
    local = fed([demo(f"d{n:02}", day(0, n), f"p{n:02}@{DOMAIN}") for n in range(MOST_HANDED + 3)])
    kept = account(local)
    assert kept is not None
    assert [one.at for one in kept.handed] == [day(0, n) for n in range(3, MOST_HANDED + 3)]


def test_whoever_was_handed_over_without_doing_anything_is_forgotten_too() -> None:
    known = sales("lead_identified", "i", day(), email=KANA, first_name="Kana", title="CEO", **COMPANY)
    promoted = sales("lead_promoted", "p", day(0, 1), email=KANA, reason="met at a fair")
    local = fed([known, promoted])
    kept = account(local)
    assert kept is not None
    assert [one.name for one in kept.handed] == ["Kana"]
    local.feed(topics.SALES_FEEDBACK, wire(sales("lead_erased", "e", day(1), email=KANA)), day(1))
    kept = account(local)
    assert kept is not None
    assert [(one.lead, one.name, one.title) for one in kept.handed] == [("", None, None)]
