"""One person under several identities: merged, they are as if never apart, whatever overtook what."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import Headers
from streams import topics, transition
from streams.identity import link
from streams.identity.keys import rank
from streams.scoring.lead import Lead, Stage
from tests.facts import facts, ids, points, remembered, together
from tests.laboratory import MODEL, Laboratory, key_of, terms_of
from tests.persons import act, acts, topic_of
from tests.reference.events import at, event

Document = dict[str, Any]
PARTITIONS = st.sampled_from([1, 3, 7])
SEEDS = st.integers(0, 2**32)
KEPT = settings(max_examples=60, deadline=None)
LATER = at(day=20)

MAIL = {"email": "kana@example.com"}
USER = {"user_id": "user-1"}
DEVICE = {"anonymous_id": "device-1"}
TABLET = {"anonymous_id": "device-2"}
PATHS: dict[str, tuple[list[Document], list[Document]]] = {
    "anonymous to email": ([DEVICE, MAIL], [MAIL | DEVICE]),
    "anonymous to user to email": ([DEVICE, USER, MAIL], [USER | DEVICE, MAIL | USER]),
    "two devices of one user": ([DEVICE, TABLET, USER, MAIL], [USER | DEVICE, USER | TABLET, MAIL | USER]),
    "a device seen with both": ([DEVICE, USER, MAIL], [USER | DEVICE, MAIL | DEVICE, MAIL | USER]),
    "everything at once": ([DEVICE, USER, MAIL], [MAIL | USER | DEVICE]),
}


SOURCES = ("server", "browser", "crm")


def journey(rng: Random, path: str, size: int = 14) -> list[Document]:
    """Acts under single identities, and the events that link them, at random places in time."""
    alone, linking = PATHS[path]
    documents = acts(rng, alone, size)
    for number, who in enumerate(linking):
        instant = at(day=rng.choice((1, 1, 3, 8)), minute=rng.choice((0, 10, 40)))
        documents.append(act(rng, f"l{number}", instant, who | {"source_kind": "server"}))
    return documents


def play(documents: list[Document], rng: Random, partitions: int) -> Laboratory:
    """All events, in some order, some twice, on any partitions."""
    lab = Laboratory(terms_of(), partitions, rng)
    arrived = documents + rng.choices(documents, k=rng.randint(0, 6))
    rng.shuffle(arrived)
    for document in arrived:
        lab.send(document, topic_of(document), at=LATER)
        while rng.random() < 0.5 and (unread := lab.unread()):
            lab.step(*rng.choice(unread))
    lab.run()
    return lab


def claims_seen(lab: Laboratory) -> Counter[bytes]:
    """How many records hold each event id."""
    return Counter(mark for lead in lab.leads().values() for mark in remembered(lead))


def handoff_ids(lab: Laboratory) -> list[str]:
    """The handoffs that the transitions open."""
    told = [transition.decode(value) for value in lab.values(topics.LEAD_TRANSITIONS)]
    return [t.handoff_id for t in told if t is not None and t.handoff_id is not None]


def fits_its_points(lead: Lead) -> bool:
    """Whether a stage agrees with the score at the newest step; between leaving and entering both are right."""
    score = points(lead, MODEL, lead.clock)
    stages = MODEL.source.stages
    if lead.stage >= Stage.SQL:
        return True
    reachable = bool({"email", "phone"} & lead.known.keys())
    if score >= stages.sql.enter and reachable:
        return False
    return (
        lead.stage == Stage.MQL
        if score >= stages.mql.enter
        else score >= stages.mql.leave or lead.stage == Stage.LEAD
    )


@pytest.mark.parametrize("path", PATHS)
@KEPT
@given(SEEDS, PARTITIONS)
def test_a_person_merged_is_as_if_never_apart(path: str, seed: int, partitions: int) -> None:
    rng = Random(seed)
    documents = journey(rng, path)
    documents.append(event("lead_identified", "zz", at(day=19), **MAIL))  # judges the union once more
    lab = play(documents, rng, partitions)
    key = key_of(email=MAIL["email"])
    lead, whole = lab.lead(key), together(documents, key, MODEL, LATER)
    assert facts(lead, MODEL) == facts(whole, MODEL)
    for now in (LATER, at(day=9), at(day=31), at(day=33), at(day=45)):
        assert points(lead, MODEL, now) == points(whole, MODEL, now)
    assert fits_its_points(lead), (lead.stage, points(lead, MODEL, lead.clock))
    others = {name: other for name, other in lab.leads().items() if name != key}
    assert all(not other.evidence and not other.visits for other in others.values())
    assert {link.target(name, other) for name, other in others.items()} <= {key}
    assert claims_seen(lab) == Counter(ids(*(document["event_id"] for document in documents)))


@pytest.mark.parametrize("path", PATHS)
@KEPT
@given(SEEDS, PARTITIONS)
def test_a_handoff_is_issued_once_for_each_cycle_of_a_lead(path: str, seed: int, partitions: int) -> None:
    rng = Random(seed)
    documents = journey(rng, path, size=20)
    for number in range(rng.randint(0, 3)):
        kind = rng.choice(("handoff_rejected", "handoff_accepted", "deal_lost"))
        instant = at(day=rng.choice((2, 5, 9)), minute=rng.choice((0, 30)))
        documents.append(event(kind, f"f{number}", instant, **{"anonymous_id": None} | rng.choice(PATHS[path][0])))
    rng.shuffle(documents)
    lab = Laboratory(terms_of(), partitions, rng)
    for document in documents:
        topic = topics.SALES_FEEDBACK if document["event_id"].startswith("f") else topic_of(document)
        lab.send(document, topic, at=LATER)
    lab.run()
    issued = handoff_ids(lab)
    assert len(issued) == len(set(issued))
    sold = [dict(r.headers)["handoff-id"].decode() for r in lab.records(topics.SALES_HANDOFFS)]
    assert sorted(sold) == sorted(issued)
    told = Counter(value for value in lab.values(topics.LEAD_TRANSITIONS))
    assert max(told.values(), default=1) == 1


@KEPT
@given(SEEDS, PARTITIONS)
def test_people_who_share_a_device_never_become_one(seed: int, partitions: int) -> None:
    rng = Random(seed)
    other = {"email": "ken@example.com"}
    documents = acts(rng, [MAIL, other, DEVICE], 16)
    shared = [act(rng, f"s{n}", at(day=1 + n), who | DEVICE) for n, who in enumerate((MAIL, other))]
    lab = Laboratory(terms_of(), partitions, rng)
    for document in rng.sample([*documents, *shared], len(documents) + 2):
        lab.send(document, topic_of(document), at=LATER)
    lab.run()
    own = [key_of(email=MAIL["email"]), key_of(email=other["email"])]
    device = key_of(device=DEVICE["anonymous_id"])
    leads = lab.leads()
    assert all(link.target(key, leads[key]) is None for key in (*own, device))
    assert not any(key in leads[mine].aliases for mine in own for key in own)
    for key, who in zip(own, (MAIL, other), strict=True):
        hers = {d["event_id"] for d in (*documents, *shared) if d.get("email") == who["email"]}
        assert ids(*hers) <= remembered(leads[key])
        assert set(leads[key].emails) == {who["email"]}
    assert claims_seen(lab) == Counter(ids(*(d["event_id"] for d in (*documents, *shared))))
    late = event("page_viewed", "late", LATER, **DEVICE)
    lab.send(late, at=LATER, topic=topics.WEB_VISITS)
    lab.run()
    assert ids("late") <= remembered(lab.lead(device))


@KEPT
@given(SEEDS, PARTITIONS)
def test_a_user_id_that_a_server_gives_two_addresses_is_one_person(seed: int, partitions: int) -> None:
    rng = Random(seed)
    other = {"email": "ken@example.com"}
    documents = acts(rng, [MAIL, other, USER, DEVICE], 14)
    documents += [act(rng, f"s{n}", at(day=1 + n), who) for n, who in enumerate((MAIL | USER, other | USER))]
    documents.append(act(rng, "d", at(day=2), USER | DEVICE))
    lab = play(documents, rng, partitions)
    key = min(key_of(email=MAIL["email"]), key_of(email=other["email"]), key=rank)
    whole = together(documents, key, MODEL, LATER)
    assert facts(lab.lead(key), MODEL) == facts(whole, MODEL)
    assert claims_seen(lab) == Counter(ids(*(document["event_id"] for document in documents)))


@KEPT
@given(SEEDS, PARTITIONS)
def test_a_browser_cannot_take_over_a_user_id_that_a_server_has_seen(seed: int, partitions: int) -> None:
    rng = Random(seed)
    thief = {"email": "thief@example.com"}
    lab = Laboratory(terms_of(), partitions, rng)
    known = event("lead_identified", "known", at(day=1), **USER, **DEVICE, source_kind="server")
    lab.send(known, at=LATER)
    lab.run()
    documents = acts(rng, [USER, DEVICE, MAIL], 10)
    documents += [act(rng, f"t{n}", at(day=n), thief | USER | {"source_kind": "browser"}) for n in (1, 2)]
    for document in rng.sample(documents, len(documents)):
        lab.send(document, topic_of(document), at=LATER)
    lab.run()
    leads = lab.leads()
    assert link.target(key_of(user=USER["user_id"]), leads[key_of(user=USER["user_id"])]) is None
    assert remembered(leads[key_of(email=thief["email"])]) == ids("t1", "t2")
    # The rightful address, named by a server after a browser already had.
    for name, source in (("b", "browser"), ("c", "server")):
        lab.send(event("lead_identified", name, at(day=10), **MAIL | USER | {"source_kind": source}), at=LATER)
        lab.run()
    assert link.target(key_of(user=USER["user_id"]), lab.lead(key_of(user=USER["user_id"]))) == key_of(
        email=MAIL["email"]
    )


@KEPT
@given(SEEDS, PARTITIONS, st.integers(2, 6))
def test_pointers_between_keys_form_no_circle(seed: int, partitions: int, people: int) -> None:
    rng = Random(seed)
    names = [{"email": f"p{n}@example.com"} for n in range(people)] + [{"user_id": f"u{n}"} for n in range(people)]
    names += [{"anonymous_id": f"d{n}"} for n in range(people)]
    lab = Laboratory(terms_of(), partitions, rng)
    for number in range(30):
        who = {**rng.choice(names), **rng.choice(names)} | {"source_kind": rng.choice(SOURCES)}
        if rng.random() < 0.3:
            who["previous_id"] = rng.choice(["u0", "u1", "d0", "d1"])
        lab.send(act(rng, f"e{number}", at(day=1, minute=number), who), at=LATER)
    lab.run()
    leads = lab.leads()
    for key, lead in leads.items():
        target = link.target(key, lead)
        assert target is None or rank(target) < rank(key)
        assert target is None or not lead.evidence
    dead = [Headers.decode(r.headers) for r in lab.records(topics.DEAD_LETTERS)]
    assert not dead
    seen = claims_seen(lab)
    assert seen == Counter(ids(*(f"e{number}" for number in range(30))))


ERASER = {"source_kind": "crm", "anonymous_id": None}


@pytest.mark.parametrize("path", PATHS)
@KEPT
@given(SEEDS, PARTITIONS)
def test_an_erased_person_stays_erased(path: str, seed: int, partitions: int) -> None:
    """All was linked; then she is erased under any of her names, and her old events come again, and late ones."""
    rng = Random(seed)
    documents = journey(rng, path)
    lab = play(documents, rng, partitions)
    before = {key: lead.state.cycle for key, lead in lab.leads().items()}
    erasure = event("lead_erased", "erase", at(day=15), **ERASER | rng.choice(PATHS[path][0]))
    lab.send(erasure, topics.SALES_FEEDBACK, at=LATER)
    if rng.random() < 0.5:
        lab.run()
    late = [act(rng, f"late{n}", at(day=14), who) for n, who in enumerate(PATHS[path][0])]
    lab.run()
    for document in rng.sample([*documents, *late], len(documents) + len(late)):
        lab.send(document, topic_of(document), at=LATER)
    lab.run()
    for key, lead in lab.leads().items():
        assert not any((lead.evidence, lead.visits, lead.known, lead.emails, lead.attributes, lead.seen)), key
        assert lead.state.cycle == before.get(key, 0)
        assert lead.stage == Stage.VISITOR
    new = [act(rng, f"n{n}", at(day=16, minute=n), MAIL) for n in range(4)]
    bought = [
        event("content_downloaded", "w", at(day=17), offer_type="whitepaper", **{"anonymous_id": None} | MAIL)
    ]
    bought += [event("sales_contacted", "m", at(day=17), **{"anonymous_id": None} | MAIL)]
    for document in (*new, *bought):
        lab.send(document, topic_of(document), at=LATER)
    lab.run()
    key = key_of(email=MAIL["email"])
    assert facts(lab.lead(key), MODEL) == facts(together([*new, *bought], key, MODEL, LATER), MODEL)
    assert lab.lead(key).state.cycle == before.get(key, 0) + 1
    issued = handoff_ids(lab)
    assert len(issued) == len(set(issued))


@KEPT
@given(SEEDS, PARTITIONS)
def test_an_erasure_that_overtakes_links_and_merges_leaves_nothing_older(seed: int, partitions: int) -> None:
    """Everything is under way at once; afterwards nothing dated up to the erasure is under the erased address."""
    rng = Random(seed)
    documents = journey(rng, rng.choice(list(PATHS)))
    lab = Laboratory(terms_of(), partitions, rng)
    erasure = event("lead_erased", "erase", at(day=4), **ERASER | MAIL)
    for document in rng.sample([*documents, erasure], len(documents) + 1):
        topic = topics.SALES_FEEDBACK if document is erasure else topic_of(document)
        lab.send(document, topic, at=LATER)
    lab.run()
    lead = lab.lead(key_of(email=MAIL["email"]))
    assert lead.erased == at(day=4)
    assert all(c.at > lead.erased for contributions in lead.evidence.values() for c in contributions)
    assert all(visit.start > lead.erased for visit in lead.visits)
    assert all(version.at > lead.erased for versions in lead.attributes.values() for version in versions)
    assert all(position[0] > lead.erased for position in (*lead.known.values(), *lead.emails.values()))
