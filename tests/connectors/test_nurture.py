"""Nurture: who is in which track, as HubSpot lists and as posts, made and unmade by the same change."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from schemas.dead_letter import Rejected
from streams import topics
from streams.connectors import configuration
from streams.connectors.base import Base
from streams.connectors.event import Event, Unknown
from streams.connectors.nurture import passage
from streams.connectors.nurture.hubspot_lists import HubSpotLists
from streams.connectors.nurture.hubspot_lists_client import HubSpotListsSink
from streams.connectors.nurture.track import Condition, Track, memberships
from streams.connectors.nurture.webhook import NurtureWebhook, NurtureWebhookSink, request
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from tests.connectors.conftest import settings_of, shipped
from tests.connectors.fake_hubspot import KEY, FakeHubSpot, error, too_many
from tests.connectors.handoffs import lead_key
from tests.connectors.memory import MemoryDeadLetters, MemorySource, run_until
from tests.test_update import DEMO, MAIL, NOON, feed, pipeline
from tests.test_update import KEY as LEAD

MQL, FINANCE = "Leadstreams: marketing qualified", "Leadstreams nurture: finance"
SUPPRESSED, RETARGET = "Leadstreams ads: suppress", "Leadstreams ads: retarget"
RECYCLED = "Leadstreams nurture: back from sales"
SAMPLE = json.loads((configuration.SHIPPED.parents[1] / "tests/samples/outputs/transition.json").read_bytes())


def told(number: int = 0, stage: str = "mql", was: str = "lead", **known: Any) -> bytes:
    """The value of a change of stage."""
    sales = {"segment": "nurture_finance", "may_email_marketing": True, **known.pop("sales", {})}
    sales = {name: value for name, value in sales.items() if value is not None}
    lead = {"email": f"lead{number}@example.jp", "last_name": "田中", **known.pop("lead", {})}
    return json.dumps(
        {
            **SAMPLE,
            "id": f"tr-{number}-{was}-{stage}",
            "type": "stage_changed",
            "lead_key": lead_key(number),
            "from_stage": was,
            "to_stage": stage,
            "handoff_id": None,
            "lead": {name: value for name, value in lead.items() if value is not None},
            "sales": sales,
            **known,
        }
    ).encode()


def noted(change: str, number: int = 0, **sales: Any) -> bytes:
    """What else is told of a lead."""
    return told(
        number, "mql", "mql", type="lead_updated", id=f"tr-{number}-{change}", sales={"change": change, **sales}
    )


def event(value: bytes) -> Event:
    found = passage.decode(value)
    assert isinstance(found, Event), found
    return found


# --- who is in which track


def tracks(**given: Track) -> dict[str, Track]:
    return {"mql": Track(when=Condition(stage=("mql",)), consent=False), **given}


def test_a_track_is_entered_and_left_with_the_stage_and_the_segment() -> None:
    finance = tracks(finance=Track(when=Condition(segment=("nurture_finance",))))
    assert memberships(event(told()), finance) == {"mql": True, "finance": True}
    assert memberships(event(told(stage="sql", was="mql", sales={"segment": "request_hot"})), finance) == {
        "mql": False,
        "finance": False,
    }
    assert memberships(event(told(stage="lead", was="mql", sales={"segment": None})), finance) == {
        "mql": False,
        "finance": False,
    }


def test_who_wants_no_mail_leaves_the_tracks_that_mail_and_only_them() -> None:
    of = tracks(mailed=Track(when=Condition(stage=("mql",))))
    assert memberships(event(told(sales={"may_email_marketing": False})), of) == {"mql": True, "mailed": False}
    assert memberships(event(noted("opted_out")), of) == {"mailed": False}


def test_what_is_not_known_is_a_word_too() -> None:
    of = {"x": Track(when=Condition(relationship=("none", "unknown")))}
    assert memberships(event(told()), of) == {"x": True}
    assert memberships(event(told(sales={"relationship": "none"})), of) == {"x": True}
    assert memberships(event(told(sales={"relationship": "customer"})), of) == {"x": False}


@pytest.mark.parametrize("change", ["erased", "merged"])
def test_who_is_gone_is_in_no_track(change: str) -> None:
    gone = event(noted(change, 0, merged_from=lead_key(7) if change == "merged" else None))
    assert set(memberships(gone, tracks()).values()) == {False}
    assert gone.key == (lead_key(7) if change == "merged" else lead_key(0))
    assert "email" not in gone.data


def test_what_does_not_concern_nurture_is_passed_over() -> None:
    for kind in ("review_requested", "handoff_overdue"):
        assert passage.decode(told(type=kind)) == Unknown(kind)
    assert passage.decode(noted("new_request")) == Unknown("lead_updated")
    assert isinstance(passage.decode(None), Rejected)
    assert isinstance(passage.decode(b"{"), Rejected)


@given(st.binary(max_size=100))
def test_no_bytes_break_the_reader(value: bytes) -> None:
    assert isinstance(passage.decode(value), Rejected)


@given(
    st.lists(st.sampled_from(["lead", "mql", "recycled", "sql", "customer"]), min_size=1, max_size=6),
    st.booleans(),
)
def test_membership_is_a_function_of_where_the_lead_stands_and_not_of_the_way_there(
    stages: list[str], may: bool
) -> None:
    """So that a repeat, and a way of which a part was lost, end in the same lists."""
    settings = settings_of(shipped("nurture-webhook"))
    assert isinstance(settings, NurtureWebhook)
    sales = {"may_email_marketing": may}
    ends = [memberships(event(told(stage=stages[-1], was=was, sales=sales)), settings.tracks) for was in stages]
    assert all(end == ends[0] for end in ends)


# --- HubSpot lists


@pytest.fixture
async def sink(
    hubspot: FakeHubSpot, httpserver: HTTPServer, secrets: dict[str, str]
) -> AsyncIterator[HubSpotListsSink]:
    settings = settings_of(shipped("hubspot-lists"))
    assert isinstance(settings, HubSpotLists)
    made = HubSpotListsSink(settings, httpserver.url_for("").rstrip("/"))
    yield made
    await made.close()


async def deliver(sink: HubSpotListsSink, *values: bytes) -> list[Outcome]:
    return await sink.deliver([event(value) for value in values])


async def test_a_lead_enters_the_lists_of_its_tracks_and_leaves_them(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    assert await deliver(sink, told(0), told(1, sales={"segment": "nurture_software"})) == [Delivered()] * 2
    assert hubspot.of_list(MQL) == {lead_key(0), lead_key(1)}
    assert hubspot.of_list(FINANCE) == {lead_key(0)}
    (contact, _) = hubspot.contacts.values()
    assert (contact["email"], contact["lifecyclestage"]) == ("lead0@example.jp", "marketingqualifiedlead")
    assert (contact["leadstreams_stage"], contact["leadstreams_segment"]) == ("mql", "nurture_finance")

    assert await deliver(sink, told(0, "sql", "mql", sales={"segment": "request_hot"})) == [Delivered()]
    assert (hubspot.of_list(MQL), hubspot.of_list(FINANCE)) == ({lead_key(1)}, set())
    assert hubspot.of_list(SUPPRESSED) == {lead_key(0)}
    assert hubspot.of_list(RETARGET) == {lead_key(1)}
    assert await deliver(sink, told(0, "recycled", "sql", sales={"segment": None})) == [Delivered()]
    assert hubspot.of_list(RECYCLED) == hubspot.of_list(RETARGET) - {lead_key(1)} == {lead_key(0)}
    assert hubspot.of_list(SUPPRESSED) == set()


async def test_a_repeat_and_an_answer_that_got_lost_change_nothing(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    chance = random.Random(1)
    hubspot.after = lambda _: error(502, "x") if chance.random() < 0.3 else None
    for _ in range(500):
        if await deliver(sink, told(0), told(1)) == [Delivered()] * 2:
            break
    else:
        pytest.fail("never delivered")
    hubspot.after = lambda _: None
    assert await deliver(sink, told(0), told(1)) == [Delivered()] * 2
    assert (len(hubspot.contacts), hubspot.of_list(MQL)) == (2, {lead_key(0), lead_key(1)})
    assert len(set(hubspot.lists.values())) == len(hubspot.lists)


async def test_a_contact_with_the_address_is_adopted(sink: HubSpotListsSink, hubspot: FakeHubSpot) -> None:
    known = hubspot.add(email="lead0@example.jp")
    assert await deliver(sink, told(0)) == [Delivered()]
    assert list(hubspot.contacts) == [known]
    assert hubspot.contacts[known][KEY] == lead_key(0)


async def test_who_has_no_address_or_no_track_is_not_made_a_contact(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    nobody = told(0, lead={"email": None})
    assert await deliver(sink, nobody) == [Delivered("nobody to change")]
    assert hubspot.calls == []
    visitor = told(1, "visitor", "lead", sales={"segment": None})
    assert await deliver(sink, visitor) == [Delivered()]
    assert hubspot.contacts == {}


async def test_an_opt_out_takes_a_contact_out_of_what_mails(sink: HubSpotListsSink, hubspot: FakeHubSpot) -> None:
    await deliver(sink, told(0))
    assert await deliver(sink, noted("opted_out")) == [Delivered()]
    assert (hubspot.of_list(FINANCE), hubspot.of_list(RETARGET)) == (set(), set())
    assert hubspot.of_list(MQL) == {lead_key(0)}


async def test_an_erased_person_is_deleted_there_and_a_merged_one_leaves_the_lists(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    await deliver(sink, told(0), told(1))
    assert await deliver(sink, noted("erased", 0)) == [Delivered()]
    assert [contact[KEY] for contact in hubspot.contacts.values()] == [lead_key(1)]
    assert await deliver(sink, noted("erased", 0)) == [Delivered()]
    assert await deliver(sink, noted("merged", 5, merged_from=lead_key(1))) == [Delivered()]
    assert hubspot.of_list(MQL) == set()
    assert len(hubspot.contacts) == 1


async def test_a_contact_that_the_lists_do_not_know_yet_is_tried_again(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    known = hubspot.add(email="lead0@example.jp")
    hubspot.unknown = {known}
    ((outcome), other) = await deliver(sink, told(0), told(1))
    assert isinstance(outcome, Postponed)
    assert not outcome.everyone
    assert other == Delivered()
    hubspot.unknown = set()
    assert await deliver(sink, told(0)) == [Delivered()]
    assert hubspot.of_list(MQL) == {lead_key(0), lead_key(1)}


async def test_a_list_that_somebody_deleted_is_made_again(sink: HubSpotListsSink, hubspot: FakeHubSpot) -> None:
    await deliver(sink, told(0))
    hubspot.lists.clear()
    (outcome,) = await deliver(sink, told(0))
    assert isinstance(outcome, Postponed)
    for _ in range(len(sink._settings.tracks)):
        (outcome,) = await deliver(sink, told(0))
    assert outcome == Delivered()
    assert hubspot.of_list(MQL) == {lead_key(0)}


async def test_a_list_that_another_connector_made_meanwhile_is_used(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    def meanwhile(asked: Request) -> Response | None:
        if asked.method == "POST" and asked.path.startswith("/crm/v3/lists") and MQL not in hubspot.lists.values():
            hubspot.lists["7"] = MQL
        return None

    hubspot.before = meanwhile
    assert await deliver(sink, told(0)) == [Delivered()]
    assert hubspot.members["7"]


async def test_a_list_that_does_not_take_members_is_the_operators_and_not_the_leads_fault(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    hubspot.before = lambda r: error(400, "VALIDATION_ERROR") if "memberships" in r.path else None
    (outcome,) = await deliver(sink, told(0))
    assert outcome == Postponed("HTTP 400 VALIDATION_ERROR", everyone=True, operator=True)


async def test_its_limits_and_its_credentials_are_waited_for(sink: HubSpotListsSink, hubspot: FakeHubSpot) -> None:
    hubspot.before = lambda r: too_many(**{"Retry-After": "7"}) if "lists" in r.path else None
    assert await deliver(sink, told(0)) == [Postponed("HTTP 429 TEN_SECONDLY_ROLLING", 7.0, everyone=True)]
    hubspot.before = lambda r: error(403, "MISSING_SCOPES") if "lists" in r.path else None
    (outcome,) = await deliver(sink, told(0))
    assert isinstance(outcome, Postponed)
    assert outcome.operator


async def test_of_a_batch_with_a_bad_address_the_others_pass(sink: HubSpotListsSink, hubspot: FakeHubSpot) -> None:
    bad = told(1, lead={"email": "nonsense"})
    first, second, third = await deliver(sink, told(0), bad, told(2))
    assert (first, third) == (Delivered(), Delivered())
    assert isinstance(second, Refused)
    assert hubspot.of_list(MQL) == {lead_key(0), lead_key(2)}


async def test_it_goes_on_where_it_was_and_each_lead_ends_where_it_stands(
    sink: HubSpotListsSink, hubspot: FakeHubSpot
) -> None:
    """Through the runner: a lead's changes in order, whatever fails."""
    values = [(n, told(n)) for n in range(12)]
    values += [(n, told(n, "sql", "mql", sales={"segment": None})) for n in range(0, 12, 2)]
    values += [(n, told(n, "recycled", "sql", sales={"segment": None})) for n in range(0, 12, 4)]
    chance = random.Random(1)
    hubspot.before = lambda _: error(502, "x") if chance.random() < 0.02 else None
    source = MemorySource([(lead_key(n).encode(), value) for n, value in values])
    letters = MemoryDeadLetters()
    await run_until(lambda: source.done, sink, source, letters, attempts=1000)
    assert letters.letters == []
    assert hubspot.of_list(MQL) == {lead_key(n) for n in range(1, 12, 2)}
    assert hubspot.of_list(RECYCLED) == {lead_key(n) for n in range(0, 12, 4)}
    assert hubspot.of_list(SUPPRESSED) == {lead_key(n) for n in range(2, 12, 4)}
    assert len(hubspot.contacts) == 12


# --- the webhook


def posted(value: bytes) -> dict[str, Any]:
    settings = settings_of(shipped("nurture-webhook"))
    assert isinstance(settings, NurtureWebhook)
    made = request(event(value), "https://x.test", settings)
    assert made is not None
    document: dict[str, Any] = json.loads(made.body)
    return document


def test_a_post_says_what_the_lead_entered_and_what_it_left() -> None:
    document = posted(told())
    assert document["in"] == ["marketing_qualified", "finance", "retargeting"]
    assert set(document["out"]) == {"manufacturing", "software", "other", "recycled", "suppressed"}
    assert (document["email"], document["stage"], document["from_stage"]) == ("lead0@example.jp", "mql", "lead")
    assert posted(told()) == document


def test_of_an_erased_person_nothing_but_the_key_is_posted() -> None:
    document = posted(noted("erased"))
    assert (document["lead_key"], document["change"], document["in"]) == (lead_key(0), "erased", [])
    assert set(document) == {"id", "type", "lead_key", "at", "change", "in", "out"}


async def test_it_is_signed_and_its_receivers_refusals_are_respected(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[Request] = []
    answers = iter([503, 200])

    def answer(received: Request) -> Response:
        got.append(received)
        return Response(status=next(answers))

    httpserver.expect_request("/nurture").respond_with_handler(answer)
    monkeypatch.setenv("LEADSTREAMS_NURTURE_URL", httpserver.url_for("/nurture"))
    monkeypatch.setenv("LEADSTREAMS_NURTURE_SECRET", "s3cret")
    settings = settings_of(shipped("nurture-webhook"))
    assert isinstance(settings, NurtureWebhook)
    sink = NurtureWebhookSink(settings)
    await sink.open()
    try:
        (first,) = await sink.deliver([event(told())])
        assert isinstance(first, Postponed)
        nobody = event(told(lead={"email": None}))
        assert await sink.deliver([event(told()), nobody]) == [Delivered(), Delivered("nobody to tell")]
    finally:
        await sink.close()
    assert got[0].headers["Idempotency-Key"] == got[1].headers["Idempotency-Key"]
    assert got[1].headers["Leadstreams-Signature"].startswith("v1=")


# --- configuration, and the pipeline's own words


def test_both_read_the_changes_of_stage_and_handoff_connectors_do_not() -> None:
    assert HubSpotListsSink.topic == NurtureWebhookSink.topic == topics.LEAD_TRANSITIONS


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("stage: [mql]", "stage: [mqp]", "stage"),
        ("segment: [nurture_finance]", "sector: [x]", "sector"),
        ("email: email", "email: mail", "no field 'mail'"),
    ],
)
def test_a_mistake_is_told_with_its_line(was: str, becomes: str, said: str) -> None:
    found = configuration.read(shipped("hubspot-lists").replace(was, becomes, 1).encode(), "t.yaml")
    assert not isinstance(found, Base)
    assert said in str(found[0])
    assert "t.yaml:" in str(found[0])


def test_what_the_pipeline_tells_of_a_lead_puts_it_into_its_tracks() -> None:
    """From the core's own records: in at marketing-qualified, out at the handoff."""
    local = pipeline()
    person = {"title": "VP Marketing", "company": "Aozora", "employees": 500, "industry": "銀行", "country": "JP"}
    feed(local, "n1", NOON, type="form_submitted", form_type="whitepaper", form_id="w1", **person)
    feed(local, "n2", NOON + 60_000, type="form_submitted", form_type="ebook", form_id="w2", **person)
    settings = settings_of(shipped("nurture-webhook"))
    assert isinstance(settings, NurtureWebhook)

    def now_in() -> list[str]:
        changes = [passage.decode(effect.value) for effect in local.outputs[topics.LEAD_TRANSITIONS]]
        last = [change for change in changes if isinstance(change, Event) and change.key == LEAD][-1]
        assert last.data["email"] == MAIL
        return [name for name, inside in memberships(last, settings.tracks).items() if inside]

    assert now_in() == ["marketing_qualified", "finance", "retargeting"]
    feed(local, "d1", NOON + 120_000, **DEMO)
    assert now_in() == ["suppressed"]


def test_an_opt_out_and_an_erasure_reach_nurture_though_sales_never_heard_of_the_lead() -> None:
    local = pipeline()
    feed(local, "n1", NOON, type="form_submitted", form_type="whitepaper", form_id="w1")
    feed(local, "u1", NOON + 60_000, type="email_unsubscribed")
    feed(local, "e1", NOON + 120_000, type="lead_erased", source_kind="crm")
    changes = [passage.decode(effect.value) for effect in local.outputs[topics.LEAD_TRANSITIONS]]
    seen = [(change.key, change.change) for change in changes if isinstance(change, Event)]
    assert seen[-2:] == [(LEAD, "opted_out"), (LEAD, "erased")]
    assert topics.SALES_HANDOFFS not in local.outputs


def test_a_sample_of_the_contract_is_read() -> None:
    found = passage.decode(msgspec.json.encode(SAMPLE))
    assert isinstance(found, Event | Unknown)
