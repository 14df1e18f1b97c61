"""Another model takes over in the middle of the log: nobody moves by that, and everybody agrees on the point."""

import json
import zlib
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import ScoringModel
from streams import model_document, model_file, order, progress, topics, transition
from streams.changes import Changes, Effect, Halted, Refused
from streams.identity import forward
from streams.identity.forward import ModelActivated
from streams.lane.record import Record
from streams.model_document import Document
from streams.replay import difference
from streams.scoring import instant
from streams.scoring.instant import DAY, HOUR, MINUTE
from streams.scoring.lead import Lead, Stage
from streams.scoring.model import Model, compile_model
from streams.shard import Shard
from streams.transition import Transition
from tests.facts import points
from tests.laboratory import MODEL, SECRET, Laboratory, key_of, terms_of, wire
from tests.persons import topic_of
from tests.reference.events import at, event, met, opened, view, whitepaper
from tests.test_identity_journeys import LATER, MAIL
from tests.test_shard import KEPT, PARTITIONS, SEEDS, person, run_with_crashes, same_state

KEY = key_of(email=MAIL["email"])


def variant(**parts: dict[str, Any]) -> Model:
    """The published model with other values: `variant(sql={"enter": 25})`."""
    source = MODEL.source
    stages = source.stages.model_copy(
        update={
            name: getattr(source.stages, name).model_copy(update=parts[name])
            for name in ("mql", "sql")
            if name in parts
        }
    )
    mode = source.handoff.model_copy(update=parts.get("handoff", {}))
    return compile_model(source.model_copy(update={"stages": stages, "handoff": mode, **parts.get("own", {})}))


def points_of(rule: str, given: float) -> Model:
    """The published model with other points for one rule."""
    rules = [r.model_copy(update={"points": given}) if r.id == rule else r for r in MODEL.source.rules]
    return variant(own={"rules": rules})


def kept_for(span: int) -> Model:
    """The published model with another window for every rule."""
    return variant(own={"rules": [r.model_copy(update={"keeps": span}) for r in MODEL.source.rules]})


EASY = variant(sql={"enter": 25.0})
STRICT = variant(mql={"enter": 30.0, "leave": 25.0})
SHADOW, OFF = variant(handoff={"mode": "shadow"}), variant(handoff={"mode": "off"})
VARIANTS = (EASY, STRICT, SHADOW, OFF, points_of("whitepaper", 45.0), kept_for(3 * DAY), kept_for(60 * DAY))


def activation(model: Model) -> bytes:
    return forward.encode(ModelActivated(model_document.document(model)))


class One:
    """A partition, its topics and its clock."""

    def __init__(self, model: Model = MODEL, **terms: Any) -> None:
        self.shard = Shard(0, 1, terms_of(model, **terms))
        self.outputs: list[Effect] = []
        self._offsets: dict[str, int] = {}

    def put(self, topic: str, value: bytes | None, arrival: int, key: bytes = b"k") -> Halted | None:
        offset = self._offsets.get(topic, 0)
        halted = self.shard.apply(topic, [Record(topic, 0, offset, arrival, key, value, [])])
        if halted is None:
            self._offsets[topic] = offset + 1
        return halted

    def send(self, *documents: dict[str, Any], arrival: int | None = None) -> None:
        for document in documents:
            feedback = document["type"] in ("handoff_rejected", "handoff_accepted")
            topic = topics.SALES_FEEDBACK if feedback else topic_of(document)
            at_once = milliseconds(document) if arrival is None else arrival
            assert self.put(topic, wire(document), at_once) is None
            self.collect()

    def publish(self, model: Model, arrival: int) -> None:
        assert self.put(topics.LEAD_FORWARDS, activation(model), arrival, forward.MODEL_KEY) is None

    def collect(self) -> Changes:
        """What it gives out; transitions and ticks come back to it."""
        changes = self.shard.take()
        self.shard.confirm()
        self.outputs += changes.effects
        for effect in changes.effects:
            if effect.topic in (topics.LEAD_TRANSITIONS, topics.LEAD_FORWARDS):
                now = self.now if effect.topic == topics.LEAD_FORWARDS else LATER
                self.put(effect.topic, effect.value, now, effect.key or b"")
        if self.shard.pending:
            self.collect()
        return changes

    def pass_time(self, until: int) -> None:
        self.now = until
        self.shard.issue_ticks(until)
        self.collect()

    now = LATER

    @property
    def lead(self) -> Lead:
        found = self.shard.table.get(KEY)
        assert found is not None
        return found

    def told(self) -> list[Transition]:
        found = [transition.decode(e.value or b"") for e in self.outputs if e.topic == topics.LEAD_TRANSITIONS]
        return [told for told in found if told is not None]

    def sent(self, topic: str) -> int:
        return sum(effect.topic == topic for effect in self.outputs)


def milliseconds(document: dict[str, Any]) -> int:
    return instant.milliseconds(document["occurred_at"])


WARM = [view(f"v{n}", at(day=n), **MAIL) for n in (1, 2, 3)] + [whitepaper("w", at(day=4), **MAIL)]
"""30 points: MQL under the published model, and more than `EASY` asks for."""
SWAP = at(day=5)


# --- the document


@pytest.mark.parametrize("name", model_file.shipped())
def test_a_document_is_the_whole_model_and_its_hash_is_that_of_the_model(name: str) -> None:
    model = model_file.load(name)
    assert isinstance(model, Model)
    found = model_document.compiled(model_document.document(model), "leadstreams", SWAP)
    assert isinstance(found, Model)
    assert (found.hash, found.source, found.since) == (model.hash, model.source, SWAP)


def test_a_models_document_does_not_need_the_lists_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("domain\nours.example\n")
    text = (model_file.SHIPPED / "published.yaml").read_text() + "lists: {own_domains: own.csv}\n"
    (tmp_path / "mine.yaml").write_text(text + "blocks: {own: hard}\n")
    model = model_file.load(str(tmp_path / "mine.yaml"))
    assert isinstance(model, Model), model
    (tmp_path / "own.csv").unlink()
    found = model_document.compiled(model_document.document(model), "leadstreams", 0)
    assert isinstance(found, Model)
    assert found.lists == {"own_domains": frozenset({"ours.example"})}


def packed(tree: dict[str, Any], name: str = "0123456789abcdef") -> Document:
    return Document(name, "mine", "7", zlib.compress(json.dumps(tree).encode()))


TREE: dict[str, Any] = json.loads(model_document.unpacked(model_document.document(MODEL)) or b"")
UNFIT = {
    "an unknown word": (packed({**TREE, "telepathy": True}), "telepathy: Extra inputs are not permitted"),
    "another hash than it says": (packed(TREE), f"it reads it as {MODEL.hash}"),
    "bytes that are no document": (Document("0123456789abcdef", "mine", "7", b"\x00\x01"), "is damaged"),
    "a bomb": (
        Document("0123456789abcdef", "mine", "7", zlib.compress(b" " * (model_document.MOST_BYTES + 1))),
        "is damaged",
    ),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_model_that_this_version_cannot_run_is_refused_in_one_line(what: str) -> None:
    document, words = UNFIT[what]
    refused = model_document.compiled(document, "leadstreams", 0)
    assert isinstance(refused, Refused)
    assert words in refused.message
    assert refused.message.startswith("model mine 7 (0123456789abcdef) ")
    assert "\n" not in refused.message


# --- the switch


def test_activation_alone_causes_no_transition_and_the_next_event_is_judged_by_the_new_model() -> None:
    one = One()
    one.send(*WARM)
    before = one.told()
    one.publish(EASY, SWAP)
    one.collect()
    one.pass_time(SWAP + HOUR)
    assert one.told() == before
    assert one.lead.stage == Stage.MQL
    assert one.shard.progress.model == EASY.hash
    one.send(opened("o", SWAP + 2 * HOUR, **MAIL))
    [told] = one.told()[len(before) :]
    assert (told.to_stage, told.model_id) == ("sql", EASY.hash)
    assert {line.rule: line.model for line in told.contributions} == {
        "visits": EASY.hash,  # a visit is worth what the model in force says
        "whitepaper": MODEL.hash,
        "email_open": EASY.hash,
    }


def test_contributions_keep_the_points_that_they_were_given() -> None:
    one = One()
    one.send(*WARM)
    one.publish(points_of("whitepaper", 45.0), SWAP)
    one.send(view("v9", SWAP + HOUR, **MAIL))
    assert points(one.lead, one.shard.model, SWAP + HOUR) == 30
    one.send(whitepaper("w2", SWAP + 2 * HOUR, offer_id="other", **MAIL))
    assert points(one.lead, one.shard.model, SWAP + 2 * HOUR) == 55
    assert one.lead.stage == Stage.SQL


def test_points_of_a_former_model_still_count_in_full_where_the_new_one_gives_less() -> None:
    one = One(points_of("whitepaper", 39.0))
    one.send(whitepaper("w", at(day=1), **MAIL))
    one.publish(points_of("whitepaper", 1.0), SWAP)
    one.send(opened("o", SWAP + HOUR, **MAIL))
    assert one.lead.stage == Stage.SQL


def test_shadow_and_live_change_at_the_activation_and_nobody_is_handed_over_twice() -> None:
    one = One(OFF)
    counts = []
    people = ("a", "b", "c", "d")
    for model, person_ in zip((None, SHADOW, MODEL, OFF), people, strict=True):
        if model is not None:
            one.publish(model, SWAP)
        who = {"email": f"{person_}@example.com", "anonymous_id": person_}
        one.send(met(f"m{person_}", SWAP + HOUR, **who), whitepaper(f"w{person_}", SWAP + HOUR, **who))
        counts.append((one.sent(topics.SALES_HANDOFFS_SHADOW), one.sent(topics.SALES_HANDOFFS)))
    assert counts == [(0, 0), (1, 0), (1, 1), (1, 1)]


def test_what_is_published_again_while_it_is_in_force_changes_nothing() -> None:
    one = One()
    one.send(*WARM)
    one.publish(EASY, SWAP)
    one.collect()
    since = one.shard.model.since
    one.publish(EASY, SWAP + DAY)
    changes = one.collect()
    assert one.shard.model.since == since == SWAP
    assert changes.table == []


# --- time


def test_time_alone_moves_a_lead_down_by_the_new_model_but_not_before_it_was_activated() -> None:
    one = One()
    one.send(whitepaper("w", at(day=1), **MAIL))
    assert one.lead.stage == Stage.MQL
    one.publish(STRICT, SWAP)
    one.collect()
    assert one.lead.stage == Stage.MQL
    one.pass_time(SWAP + MODEL.lateness)
    assert one.lead.stage == Stage.MQL
    one.pass_time(SWAP + MODEL.lateness + 2)
    assert [told.to_stage for told in one.told()] == ["lead", "mql", "lead"]
    assert one.lead.state.at == SWAP + 1


def test_a_timer_of_the_former_model_moves_nobody_whom_the_new_one_would_keep() -> None:
    one = One(STRICT)
    one.send(*WARM)
    assert one.lead.stage == Stage.MQL
    one.publish(variant(mql={"enter": 10.0, "leave": 5.0}), SWAP)
    one.collect()
    one.pass_time(at(day=1) + 31 * DAY + HOUR)  # the first visits have left the window
    assert one.lead.stage == Stage.MQL


def test_a_record_swept_right_after_an_activation_stays_swept() -> None:
    one = One()
    one.put(topics.WEB_VISITS, wire(view("v", at(day=1))), at(day=1))
    one.publish(EASY, SWAP)
    sweep = at(day=1) + 500 * DAY
    one.put(topics.LEAD_FORWARDS, forward.encode(forward.Sweep(sweep)), sweep, b"sweep")
    device = key_of(device="device-1").encode()
    assert [value for key, value in one.shard.take().table if key == device] == [None]


# --- what comes late


def test_an_event_of_the_time_before_does_not_judge_that_time_anew() -> None:
    """Under the new model the lead would have been SQL on the fourth day; nobody was handed over then."""
    one = One()
    one.send(*WARM)
    one.publish(EASY, SWAP)
    before = one.told()
    one.send(opened("late", at(day=3, hour=5), **MAIL), arrival=SWAP + HOUR)
    assert one.told() == before
    assert points(one.lead, EASY, SWAP) == 35
    one.send(opened("next", SWAP + 2 * HOUR, **MAIL))
    assert [told.to_stage for told in one.told()[len(before) :]] == ["sql"]
    assert one.lead.state.at == SWAP + 2 * HOUR


def test_an_event_of_the_time_before_that_is_the_leads_newest_is_judged_by_the_model_it_met() -> None:
    one = One()
    one.send(*WARM)
    one.publish(EASY, SWAP)
    one.send(opened("under way", SWAP - MINUTE, **MAIL), arrival=SWAP + MINUTE)
    assert one.lead.stage == Stage.SQL
    assert one.told()[-1].model_id == EASY.hash


def test_an_answer_of_sales_from_the_time_before_counts_when_it_comes() -> None:
    one = One()
    one.send(*WARM, met("m", at(day=4, hour=1), **MAIL))
    assert one.lead.stage == Stage.SQL
    one.send(view("v8", SWAP + HOUR, **MAIL))
    one.publish(EASY, SWAP + 2 * HOUR)
    one.send(view("v9", SWAP + 3 * HOUR, **MAIL))
    one.send(event("handoff_rejected", "r", SWAP, reason="timing", **MAIL), arrival=SWAP + 4 * HOUR)
    moved = [(move.at, Stage(move.stage)) for move in one.lead.moves if move.at >= SWAP]
    assert moved == [(SWAP + 2 * HOUR - 1, Stage.RECYCLED), (SWAP + 2 * HOUR - 1, Stage.LEAD)]
    history = [(told.from_stage, told.to_stage) for told in one.told()]
    assert history[-1] == ("sql", "lead")
    assert len({told.handoff_id for told in one.told() if told.handoff_id}) == 1


def test_what_came_late_stays_in_the_history_when_the_time_since_is_folded_again() -> None:
    one = One()
    one.send(*WARM, met("m", at(day=4, hour=1), **MAIL))
    one.publish(EASY, SWAP)
    one.send(view("v9", SWAP + 3 * HOUR, **MAIL))
    one.send(event("handoff_rejected", "r", SWAP - HOUR, reason="timing", **MAIL), arrival=SWAP + 4 * HOUR)
    assert one.lead.stage == Stage.LEAD
    one.send(opened("late", SWAP + 2 * HOUR, **MAIL), arrival=SWAP + 5 * HOUR)
    assert one.lead.stage == Stage.LEAD


def test_a_request_from_the_time_before_is_answered() -> None:
    b2b = model_file.load("b2b")
    assert isinstance(b2b, Model)
    live = compile_model(b2b.source.model_copy(update={"version": "2"}))
    who = {"email": "kana@example.com", "source_kind": "server"}
    one = One(b2b)
    one.send(view("v1", SWAP - HOUR, **who))
    one.publish(live, SWAP)
    one.send(
        event("form_submitted", "demo", SWAP - 2 * HOUR, form_type="demo", form_id="d", **who), arrival=SWAP + 1
    )
    assert [told.type for told in one.told()][-1] == "review_requested"
    assert one.told()[-1].model_id == live.hash


# --- agreement


def swap(lab: Laboratory, model: Model) -> None:
    for number in range(lab.partitions):
        value = activation(model)
        lab.put(topics.LEAD_FORWARDS, number, value, key=forward.MODEL_KEY, at=lab.now)


def live_through(lab: Laboratory, rng: Random, crashes: int) -> None:
    """Events of the times before and after, and models in between; owners die."""
    documents = person(rng) + person(rng)
    for place, document in enumerate(documents):
        document["event_id"] = f"{place}-{document['event_id']}"
        lab.send(document, topic_of(document), at=at(day=2) + place * 6 * HOUR)
        if rng.random() < 0.2:
            swap(lab, rng.choice(VARIANTS))
    run_with_crashes(lab, rng, crashes)
    lab.pass_time(lab.now + DAY)
    swap(lab, rng.choice(VARIANTS))
    run_with_crashes(lab, rng, 2)
    lab.pass_time(lab.now + 40 * DAY)


def replayed(lab: Laboratory, number: int, rng: Random, first: Model) -> Shard:
    """By the recorded order, taken at other times than live."""
    shard = Shard(number, lab.partitions, terms_of(first))
    for run in (run for value in lab.orders[number] for run in order.decode(value)):
        start = shard.offsets.get(run.topic, 0)
        for offset in range(start, run.following):
            shard.apply(run.topic, lab.logs[run.topic, number][offset : offset + 1])
            if rng.random() < 0.2:
                shard.take()
    shard.take()
    return shard


@KEPT
@given(SEEDS, PARTITIONS, st.booleans())
def test_replay_equals_live_over_models_and_deaths_whenever_the_table_is_taken(
    seed: int, partitions: int, exactly_once: bool
) -> None:
    rng = Random(seed)
    lab = Laboratory(terms_of(exactly_once=exactly_once), partitions, rng)
    live_through(lab, rng, crashes=6)
    for number, shard in enumerate(lab.shards):
        oracle = replayed(lab, number, rng, MODEL)
        assert difference.compare(oracle.table.dump(), shard.table.dump()) == []
        assert oracle.progress.model == shard.progress.model
        assert oracle.model.since == shard.model.since
    if exactly_once:
        for topic in (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW):
            assert len(lab.values(topic)) == len(set(lab.values(topic)))


@KEPT
@given(SEEDS, PARTITIONS)
def test_the_next_owner_goes_on_under_the_model_in_force_whatever_its_setting_says(
    seed: int, partitions: int
) -> None:
    rng = Random(seed)
    lab = Laboratory(terms_of(), partitions, rng)
    live_through(lab, rng, crashes=0)
    lab.terms = terms_of(STRICT)
    for number, shard in enumerate(lab.shards):
        if shard.offsets:
            other = lab.restored(number)
            assert same_state(shard, other)
            assert (other.model.hash, other.model.since) == (shard.model.hash, shard.model.since)
            assert (other.next_due or 0) <= (shard.next_due or 0), "a timer may be looked at once more"
            assert other.take() == shard.take()


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_no_swap_by_itself_tells_anybody_anything(seed: int) -> None:
    rng = Random(seed)
    lab = Laboratory(terms_of(), 1, rng)
    for document in person(rng):
        lab.send(document, topic_of(document), at=LATER)
    lab.run()
    told = [lab.values(topic) for topic in (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS)]
    for model in rng.sample(VARIANTS, 3):
        swap(lab, model)
        lab.run()
    assert [lab.values(topic) for topic in (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS)] == told


def test_a_partition_notes_the_model_that_it_began_with_and_the_one_in_force() -> None:
    one = One()
    one.send(*WARM)
    one.publish(EASY, SWAP)
    changes = dict(one.collect().table)
    found = model_document.decode(changes[progress.MODEL] or b"")
    assert not isinstance(found, Refused)
    assert (found.document.hash, found.since) == (EASY.hash, SWAP)
    assert progress.FIRST not in changes
    first = dict(Shard(0, 1, terms_of()).take().table)[progress.FIRST]
    begun = model_document.decode(first or b"")
    assert not isinstance(begun, Refused)
    assert (begun.document.hash, begun.since) == (MODEL.hash, 0)


# --- an older worker


def test_a_worker_that_cannot_run_a_published_model_applies_nothing_after_it() -> None:
    one = One()
    document, words = UNFIT["an unknown word"]
    marker = forward.encode(ModelActivated(document))
    halted = one.put(topics.LEAD_FORWARDS, marker, SWAP, forward.MODEL_KEY)
    assert isinstance(halted, Halted)
    assert (halted.topic, halted.offset) == (topics.LEAD_FORWARDS, 0)
    assert words in halted.message
    other = one.put(topics.WEB_VISITS, wire(view("v", SWAP + 1, **MAIL)), SWAP + 1)
    assert other == Halted(topics.WEB_VISITS, 0, halted.message)
    assert one.shard.pending == 0
    assert SECRET.value.decode() not in halted.message


def test_a_partition_whose_model_cannot_be_run_is_not_taken_over() -> None:
    document, words = UNFIT["an unknown word"]
    value = model_document.encode(model_document.InForce(document, SWAP))
    later = bytes([model_document.FORMAT[0] + 1]) + value[1:]
    for found, expected in ((value, words), (later, "upgrade this worker")):
        shard = Shard(0, 1, terms_of())
        shard.restore(progress.MODEL, found)
        shard.restore(*Shard(0, 1, terms_of()).take().meta)
        refused = shard.restored()
        assert isinstance(refused, Refused)
        assert refused.message.startswith("partition 0: ")
        assert expected in refused.message


def test_a_canonical_form_is_only_read_as_such() -> None:
    with pytest.raises(ValueError, match="expected a duration such as 30d"):
        ScoringModel.model_validate(
            msgspec.json.decode(model_document.unpacked(model_document.document(MODEL)) or b"")
        )
