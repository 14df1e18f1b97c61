"""What a company is to us reaches all of its people, on every partition, whatever came first."""

import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import Headers, Reason
from streams import model_file, order, topics, transition
from streams.account_record import Account
from streams.identity.keys import partition_of
from streams.imports.event import Import, Prepared, from_row
from streams.imports.mapping import Mapping
from streams.local import Local
from streams.replay import difference
from streams.scoring import relation
from streams.scoring.attribute import of_company
from streams.scoring.lead import Lead, Stage
from streams.scoring.model import Model
from streams.scoring.standing import Standing
from streams.shard import Shard, Terms
from streams.table import ACCOUNT_KEYS
from streams.transition import Transition
from tests.facts import LATEST, facts
from tests.laboratory import SECRET, Laboratory, key_of, terms_of
from tests.reference.b2b.adapter import b2b
from tests.scoring.b2b_journeys import day, form, sales, utc, view

Document = dict[str, Any]
MODEL = b2b()
DOMAIN = "aozora.example"
PEOPLE = [f"{name}@{DOMAIN}" for name in ("kana", "ren", "yui", "sora", "mei", "haru")]
SEEDS = st.integers(0, 2**32)
PARTITIONS = st.sampled_from([1, 2, 5])
KEPT = settings(max_examples=25, deadline=None)
EVER = day(400)


def said(event_id: str, at: int, relationship: str, **fields: Any) -> Document:
    """The CRM speaks of a company as a whole."""
    about = {"email": None, "company_domain": DOMAIN, "relationship": relationship}
    return sales("relationship_set", event_id, at) | about | fields


def quote(event_id: str, at: int, who: str) -> Document:
    return form(event_id, at, "quote", email=who, company="Aozora", country="JP")


def wire(document: Document) -> bytes:
    return msgspec.json.encode({name: value for name, value in document.items() if value is not None})


def topic_of(document: Document) -> str:
    feedback = {"relationship_set", "lead_erased", "lead_reinstated", "handoff_rejected", "handoff_accepted"}
    return topics.SALES_FEEDBACK if document["type"] in feedback else topics.LEAD_ACTIVITIES


def fed(documents: list[Document], partitions: int = 2, terms: Terms | None = None) -> Local:
    """The events through a pipeline in memory, each read by another partition than the one before."""
    local = Local(terms or terms_of(MODEL), partitions)
    for number, document in enumerate(documents):
        arrival = utc(document["occurred_at"])
        assert local.feed(topic_of(document), wire(document), arrival, number % partitions) is None
    return local


def told(local: Local) -> list[Transition]:
    found = [transition.decode(effect.value or b"") for effect in local.outputs.get(topics.LEAD_TRANSITIONS, [])]
    return [one for one in found if one is not None]


def lead_of(local: Local, who: str) -> Lead:
    found = local.find(key_of(email=who))
    assert found is not None
    return found


def relationship(lead: Lead, model: Model = MODEL) -> str | None:
    return Standing(lead, model, EVER, LATEST, lead.state).relationship


# --- journey 9


def answers(local: Local) -> list[tuple[str, str, str | None, str | None]]:
    """What came of the quotes: type, stage, the account's owner and the deadline."""
    return [
        (t.type, t.to_stage, t.sales.get("account_owner"), t.sales.get("respond_by"))  # type: ignore[misc]
        for t in told(local)
        if t.cause_type == "form_submitted" and t.type != "stage_changed"
    ]


OWNER_ANSWERS = ("existing_relationship", "mql", "Sato", "2026-11-04T01:00:00.000Z")


def test_a_customers_colleagues_reach_the_accounts_owner_on_whichever_partition_they_are() -> None:
    documents = [said("r", day(), "customer", sales_person="Sato")]
    documents += [quote(f"q{n}", day(1), who) for n, who in enumerate(PEOPLE)]
    local = fed(documents)
    assert {partition_of(key_of(email=who), 2) for who in PEOPLE} == {0, 1}
    assert answers(local) == [OWNER_ANSWERS] * len(PEOPLE)
    assert {t.sales.get("relationship") for t in told(local) if t.to_stage == "mql"} == {"customer"}
    assert topics.SALES_HANDOFFS not in local.outputs
    assert not any("@" in name for t in told(local) for name in t.lead)


def test_a_list_of_customers_beside_the_model_does_the_same(tmp_path: Path) -> None:
    shutil.copytree(model_file.SHIPPED, tmp_path / "models")
    with (tmp_path / "models" / "lists" / "customers.csv").open("a") as customers:
        customers.write(f"{DOMAIN},customer,Sato\n")
    model = model_file.load(str(tmp_path / "models" / "b2b.yaml"))
    assert isinstance(model, Model), model
    local = fed([quote(f"q{n}", day(1), who) for n, who in enumerate(PEOPLE)], terms=terms_of(model))
    assert answers(local) == [OWNER_ANSWERS] * len(PEOPLE)
    assert topics.SALES_HANDOFFS not in local.outputs


def test_a_file_of_customers_that_is_imported_does_the_same() -> None:
    columns = {
        "occurred_at": "since",
        "company_domain": "website",
        "relationship": "status",
        "sales_person": "rep",
    }
    mapping = Mapping.model_validate({"fields": columns, "events": [{"type": "relationship_set"}]})
    row = {
        "since": "2026-11-02T01:00:00Z",
        "website": f"https://www.{DOMAIN}/",
        "status": "customer",
        "rep": "Sato",
    }
    sent = from_row(row, mapping, Import(SECRET, "import", day()))
    assert isinstance(sent, Prepared), sent
    local = Local(terms_of(MODEL), 2)
    local.feed(sent.topic, sent.value, day())
    for number, who in enumerate(PEOPLE):
        local.feed(topics.FORM_SUBMISSIONS, wire(quote(f"q{number}", day(1), who)), day(1), number % 2)
    assert answers(local) == [OWNER_ANSWERS] * len(PEOPLE)


# --- what it does to leads that are there already


def test_a_competitors_people_are_out_at_once_a_customers_are_held_at_their_next_event() -> None:
    demo = {"title": "VP Marketing", "employees": 500, "country": "JP"}
    before = [form(f"d{n}", day(), "whitepaper", email=who, **demo) for n, who in enumerate(PEOPLE[:3])]
    for word, stages in (("customer", {Stage.MQL}), ("competitor", {Stage.DISQUALIFIED})):
        local = fed([*before, said("r", day(1), word)])
        assert {lead_of(local, who).stage for who in PEOPLE[:3]} == stages
        assert {relationship(lead_of(local, who)) for who in PEOPLE[:3]} == {word}
        assert [t.cause for t in told(local) if t.to_stage == "disqualified"] == (
            ["r"] * 3 if word == "competitor" else []
        )
        local = fed([*before, said("r", day(1), word), *(quote(f"q{w}", day(2), w) for w in PEOPLE[:3])])
        assert topics.SALES_HANDOFFS not in local.outputs


def test_an_older_event_that_comes_after_a_competitor_was_named_ends_out_at_that_instant() -> None:
    local = fed([said("r", day(1), "competitor"), form("w", day(), "whitepaper", email=PEOPLE[0])])
    lead = lead_of(local, PEOPLE[0])
    assert [(move.at, Stage(move.stage)) for move in lead.moves] == [
        (day(), Stage.LEAD),
        (day(1), Stage.DISQUALIFIED),
    ]


def test_a_relationship_told_late_bars_what_comes_and_leaves_what_was_handed_over() -> None:
    local = fed([quote("q", day(1), PEOPLE[0]), said("r", day(), "customer"), quote("p", day(2), PEOPLE[1])])
    assert [lead_of(local, who).stage for who in PEOPLE[:2]] == [Stage.SQL, Stage.MQL]
    assert len(local.outputs[topics.SALES_HANDOFFS]) == 1


def test_the_newest_word_holds_of_the_company_or_the_person() -> None:
    words = [said("r1", day(), "customer"), said("r2", day(2), "none")]
    for documents in (words, words[::-1]):
        local = fed([*documents, quote("q", day(3), PEOPLE[0])])
        assert relationship(lead_of(local, PEOPLE[0])) == "none"
        assert lead_of(local, PEOPLE[0]).stage == Stage.SQL
    person = sales("relationship_set", "r3", day(1), relationship="former_customer", email=PEOPLE[0])
    local = fed([words[0], person, quote("q", day(3), PEOPLE[0]), quote("p", day(3), PEOPLE[1])])
    assert [lead_of(local, who).stage for who in PEOPLE[:2]] == [Stage.SQL, Stage.MQL]


def test_whoever_must_not_be_contacted_stays_so_when_the_company_becomes_a_customer() -> None:
    person = sales("relationship_set", "r", day(), relationship="do_not_contact", email=PEOPLE[0])
    back = sales("lead_reinstated", "b", day(2), email=PEOPLE[0])
    local = fed([person, said("s", day(1), "customer"), back, quote("q", day(3), PEOPLE[0])])
    assert lead_of(local, PEOPLE[0]).stage == Stage.DISQUALIFIED


def test_a_relationship_is_the_companys_and_not_kept_by_who_leaves_it() -> None:
    moved = sales(
        "lead_identified", "m", day(2), email=PEOPLE[0], company="Hikari", company_domain="hikari.example"
    )
    stayed = sales("lead_identified", "i", day(1), email=PEOPLE[0], company_domain=DOMAIN, company="Aozora")
    other = sales("lead_identified", "j", day(1), email="a@gmail.com", company_domain=DOMAIN, company="Aozora")
    gone = {**moved, "event_id": "n", "email": "a@gmail.com"}
    local = fed([said("r", day(), "customer"), stayed, other, gone])
    assert relationship(lead_of(local, PEOPLE[0])) == "customer"
    assert relationship(lead_of(local, "a@gmail.com")) is None


def test_a_relationship_said_with_a_person_is_the_persons_and_the_companys() -> None:
    local = fed([said("r", day(), "partner", email="ceo@gmail.com"), quote("q", day(1), PEOPLE[0])])
    assert relationship(lead_of(local, "ceo@gmail.com")) == "partner"
    assert relationship(lead_of(local, PEOPLE[0])) == "partner"


@pytest.mark.parametrize(
    "fields",
    [{"company_domain": "gmail.com"}, {"company_domain": "no domain"}, {"source_kind": "browser"}],
    ids=["a mail provider", "no domain", "a browser"],
)
def test_what_names_no_company_or_comes_from_a_browser_is_a_dead_letter(fields: Document) -> None:
    local = fed([said("r", day(), "competitor", **fields)])
    [letter] = local.outputs[topics.DEAD_LETTERS]
    headers = Headers.decode(letter.headers)
    assert headers is not None
    assert headers.reason is Reason.BAD_FIELD
    assert "company_domain" in headers.detail
    assert topics.LEAD_FORWARDS not in local.outputs


def test_a_model_without_blocks_asks_no_lead_for_its_company() -> None:
    local = fed([quote("p", day(), PEOPLE[1]), said("r", day(1), "customer"), quote("q", day(2), PEOPLE[0])],
                terms=terms_of())  # fmt: skip
    for who in PEOPLE[:2]:
        assert not [name for name in lead_of(local, who).attributes if "@" in name]


# --- where it is kept


def test_a_company_is_counted_apart_and_outlives_every_sweep() -> None:
    local = fed([said("r", day(), "customer"), view("v", day())])
    for shard in local.shards:
        assert shard.population["company", "account"] == 1
    local.pass_time(day(900))
    assert sum(shard.population["anonymous", "visitor"] for shard in local.shards) == 0
    for shard in local.shards:
        assert shard.population["company", "account"] == 1
        assert [key for key in shard.table.dump() if key.startswith(ACCOUNT_KEYS)]


def erase(who: str, at: int) -> Document:
    return sales("lead_erased", "erase", at, email=who)


def test_an_erased_person_keeps_nothing_of_the_company_and_who_comes_anew_learns_it_again() -> None:
    documents = [quote("q", day(), PEOPLE[0]), said("r", day(1), "customer"), erase(PEOPLE[0], day(2))]
    documents.append(said("s", day(3), "partner"))
    local = fed(documents)
    assert not lead_of(local, PEOPLE[0]).attributes
    local = fed([*documents, quote("late", day(1), PEOPLE[0])])
    assert not lead_of(local, PEOPLE[0]).attributes
    local = fed([*documents, quote("new", day(4), PEOPLE[0])])
    assert relationship(lead_of(local, PEOPLE[0])) == "partner"


def test_a_lead_learns_the_company_of_a_device_that_was_on_its_way_when_something_was_said_of_it() -> None:
    """The device's record has left its partition when the word arrives there, and comes to the lead's after it."""
    for word, out in (("customer", False), ("competitor", True)):
        lab = Laboratory(terms_of(MODEL), 2, Random(0))
        who = "kana@gmail.com"
        home = partition_of(key_of(email=who), 2)
        device = next(f"d{n}" for n in range(9) if partition_of(key_of(device=f"d{n}"), 2) != home)
        told = form("f", day(), "whitepaper", anonymous_id=device, company_domain=DOMAIN, country="JP")
        lab.put(topics.FORM_SUBMISSIONS, home, wire(told | {"email": None}), at=day())
        lab.run()
        for document in (quote("l", day(1), who) | {"anonymous_id": device}, said("r", day(2), word)):
            lab.put(topic_of(document), home, wire(document), at=day(2))
            lab.shards[home].apply(topic_of(document), lab.logs[topic_of(document), home][-1:])
            lab.flush(home)
        lab.run()
        lead = found(lab, who)
        assert lead is not None
        assert relationship(lead) == word
        assert (lead.stage == Stage.DISQUALIFIED) == out


def journey(rng: Random) -> list[Document]:
    """Colleagues and strangers who act under several identities, and what the CRM says of their companies."""
    found: list[Document] = []
    for number in range(rng.randint(4, 14)):
        who = rng.choice([*PEOPLE[:3], "x@hikari.example", "y@gmail.com"])
        device = rng.choice([None, f"device-{who}"])
        at = day(rng.choice((0, 1, 1.5, 2, 3, 5)), minutes=rng.choice((0, 0, 7)))
        kind = rng.choice(("quote", "known", "known", "paper", "view", "anonymous"))
        if kind == "quote":
            found.append(quote(f"e{number}", at, who) | {"anonymous_id": device})
        elif kind == "known":
            of = rng.choice([None, DOMAIN, "hikari.example"])
            told = {"company_domain": of, "title": rng.choice([None, "VP Marketing"]), "country": "JP"}
            found.append(sales("lead_identified", f"e{number}", at, email=who, anonymous_id=device, **told))
        elif kind == "paper":
            found.append(
                form(f"e{number}", at, "whitepaper", email=who, anonymous_id=device, company_domain=DOMAIN)
            )
        elif kind == "view":
            found.append(view(f"e{number}", at) | {"anonymous_id": f"device-{who}"})
        else:
            device = f"device-{who}"
            found.append(form(f"e{number}", at, "ebook", email=None, anonymous_id=device, company_domain=DOMAIN))
    for number in range(rng.randint(1, 4)):
        word = rng.choice(("customer", "none", "partner", "competitor", "former_customer", "do_not_contact"))
        domain = rng.choice((DOMAIN, DOMAIN, "hikari.example"))
        at = day(rng.choice((0, 1, 2, 4)))
        found.append(said(f"r{number}", at, word, company_domain=domain, sales_person=rng.choice((None, "Sato"))))
    rng.shuffle(found)
    return found


def played(rng: Random, documents: list[Document], partitions: int, **options: Any) -> Laboratory:
    """All events in this order, some twice, read and flushed in any order, with owners that are replaced."""
    lab = Laboratory(terms_of(MODEL, **options), partitions, rng)
    for document in [*documents, *rng.choices(documents, k=2)]:
        plain = {name: value for name, value in document.items() if value is not None}
        lab.send(plain, topic_of(document), at=day(6))
        while rng.random() < 0.5 and (unread := lab.unread()):
            lab.step(*rng.choice(unread))
        if rng.random() < 0.1:
            lab.restart(rng.randrange(partitions))
    lab.run()
    return lab


def companies(shard: Shard) -> dict[str, Account]:
    """Those of which something was said: on its own partition a company has a record also without that."""
    found = {key: shard.table.account(key) for key in shard.table if key.startswith(ACCOUNT_KEYS)}
    return {key: account for key, account in found.items() if account is not None and account.attributes}


@KEPT
@given(SEEDS, PARTITIONS, st.booleans())
def test_every_lead_knows_what_was_said_of_its_companies_whatever_came_first(
    seed: int, partitions: int, exactly_once: bool
) -> None:
    rng = Random(seed)
    documents = journey(rng)
    lab = played(rng, documents, partitions, exactly_once=exactly_once)
    known = [companies(shard) for shard in lab.shards]
    assert all(
        {k: v.attributes for k, v in one.items()} == {k: v.attributes for k, v in known[0].items()}
        for one in known
    )
    by_domain = {lead.attributes["company_domain"][0].value: lead for lead in known[0].values()}
    assert set(by_domain) == {d["company_domain"] for d in documents if d["type"] == "relationship_set"}
    for shard in lab.shards:
        for _, lead in shard.table.each():
            for domain in relation.domains(lead):
                for name in relation.NAMES:
                    company = by_domain.get(domain)
                    expected = [] if company is None else company.attributes.get(name, [])
                    assert lead.attributes.get(of_company(name, domain), []) == expected
            if Standing(lead, MODEL, lead.clock, LATEST, lead.state).blocked("hard"):
                assert lead.stage == Stage.DISQUALIFIED
    quiet = played(Random(seed + 1), sorted(documents, key=lambda d: d["occurred_at"]), partitions)
    for who in PEOPLE[:3]:
        one, other = found(lab, who), found(quiet, who)
        assert (one is None) == (other is None)
        assert one is None or other is None or facts(one, MODEL) == facts(other, MODEL)


def found(lab: Laboratory, who: str) -> Lead | None:
    key = key_of(email=who)
    return lab.shards[partition_of(key, lab.partitions)].table.get(key)


@KEPT
@given(SEEDS, PARTITIONS)
def test_a_replay_in_the_recorded_order_gives_the_live_table(seed: int, partitions: int) -> None:
    rng = Random(seed)
    lab = played(rng, journey(rng), partitions)
    for number, live in enumerate(lab.shards):
        again = Shard(number, partitions, terms_of(MODEL))
        for run in (run for value in lab.orders[number] for run in order.decode(value)):
            again.apply(run.topic, lab.logs[run.topic, number][run.first : run.following])
        again.take()
        assert difference.compare(again.table.dump(), live.table.dump()) == []
        assert Counter(again.population) == Counter(live.population)
