"""Machines that look like people are found by how their clicks follow each other, and points are taken back."""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.hooks.mail import MailEvent, Retraction, document, retraction
from streams.collector.hooks.recollection import KEPT_MS, Recollection
from streams.collector.hooks.verdicts import MOST_SEEN, Mail, Told, judge, page

SECOND = 1000
HOUR = 3600 * SECOND
NOON = 1_793_584_800_000
HONEYPOT = "https://firm.example/unseen"
HONEYPOTS = frozenset({page(HONEYPOT)})


def event(kind: str, name: str, at: int, link: str | None = None, machine: str | None = None) -> MailEvent:
    return MailEvent(f"email_{kind}", name, NOON + at, "mika@firm.example", "m-1", link_url=link, machine=machine)


def delivered(at: int = 0) -> MailEvent:
    return event("delivered", "delivered", at)


def opened(name: str, at: int, machine: str | None = None) -> MailEvent:
    return event("opened", name, at, machine=machine)


def clicked(name: str, at: int, link: str = "https://firm.example/a", machine: str | None = None) -> MailEvent:
    return event("clicked", name, at, link, machine)


class Outcome(NamedTuple):
    """What was told in the end: who counts as a person, and which events were taken back."""

    people: frozenset[str]
    machines: frozenset[str]
    retracted: frozenset[str]


def told(events: Sequence[MailEvent]) -> list[Told]:
    mail, every = Mail(), []
    for one in events:
        mail, out = judge(mail, one, HONEYPOTS)
        every.append(out)
    return every


def outcome(events: Sequence[MailEvent]) -> Outcome:
    every = [one for out in told(events) for one in out]
    retracted = frozenset(one.retracts for one in every if isinstance(one, Retraction))
    flagged = frozenset(one.event_id for one in every if isinstance(one, MailEvent) and one.machine)
    all_of_them = frozenset(one.event_id for one in events if one.type in ("email_opened", "email_clicked"))
    return Outcome(all_of_them - retracted - flagged, flagged, retracted)


def test_a_person_who_reads_and_clicks_an_hour_later_is_a_person() -> None:
    events = [delivered(), opened("o", HOUR), clicked("c", HOUR + 30 * SECOND)]
    assert outcome(events) == Outcome(frozenset({"o", "c"}), frozenset(), frozenset())


def test_a_click_within_seconds_of_delivery_is_a_scanners() -> None:
    first, second = told([delivered(), clicked("c", 4 * SECOND)])
    assert first == [delivered()]
    assert [one.machine for one in second if isinstance(one, MailEvent)] == ["click_after_delivery"]


def test_when_the_delivery_is_told_late_the_click_is_taken_back() -> None:
    _, second = told([clicked("c", 4 * SECOND), delivered()])
    assert second == [
        delivered(),
        Retraction("c", NOON + 4 * SECOND, "mika@firm.example", "m-1", "click_after_delivery"),
    ]


def test_a_click_before_its_mail_was_delivered_is_a_scanners_too() -> None:
    assert outcome([delivered(60 * SECOND), clicked("c", 0)]).machines == {"c"}


def test_the_open_that_came_with_the_scanner_is_taken_back_and_a_later_one_is_not() -> None:
    events = [opened("o1", 2 * SECOND), opened("o2", HOUR), clicked("c", 3 * SECOND), delivered()]
    assert outcome(events) == Outcome(frozenset({"o2"}), frozenset(), frozenset({"o1", "c"}))


def test_three_links_in_a_second_are_a_scanners_and_the_first_two_are_taken_back() -> None:
    links = [clicked(f"c{n}", HOUR + n * 300, f"https://firm.example/{n}") for n in range(3)]
    assert outcome(links) == Outcome(frozenset(), frozenset({"c2"}), frozenset({"c0", "c1"}))
    slow = [clicked(f"c{n}", HOUR + n * 700, f"https://firm.example/{n}") for n in range(3)]
    assert outcome(slow).people == {"c0", "c1", "c2"}


def test_a_person_who_clicks_one_link_three_times_is_a_person() -> None:
    assert outcome([clicked(f"c{n}", HOUR + n * 300) for n in range(3)]).people == {"c0", "c1", "c2"}


def test_who_follows_the_honeypot_follows_all_of_the_links() -> None:
    events = [
        clicked("c1", HOUR),
        clicked("c2", HOUR + 50 * SECOND, f"{HONEYPOT}/?utm=1"),
        clicked("c3", 2 * HOUR),
    ]
    assert outcome(events) == Outcome(frozenset({"c3"}), frozenset({"c2"}), frozenset({"c1"}))


def test_a_machines_open_says_nothing_about_the_person_who_opens_too() -> None:
    events = [opened("o1", HOUR, "provider_flag"), opened("o2", HOUR + SECOND)]
    assert outcome(events).people == {"o2"}


def test_a_click_that_the_provider_flags_takes_back_what_came_along() -> None:
    events = [clicked("c1", HOUR), clicked("c2", HOUR + SECOND, machine="provider_flag"), clicked("c3", 2 * HOUR)]
    assert outcome(events) == Outcome(frozenset({"c3"}), frozenset({"c2"}), frozenset({"c1"}))


def test_what_was_not_acknowledged_is_told_again_in_the_same_words() -> None:
    events = [clicked("c", 4 * SECOND), delivered()]
    first = told(events)
    again = told([*events, *events])[2:]
    assert again[1] == first[1]
    assert [one for one in again[0] if isinstance(one, Retraction)] == [
        one for one in first[1] if isinstance(one, Retraction)
    ]
    assert again[0][0] == clicked("c", 4 * SECOND)


def test_bounces_pass() -> None:
    bounced = event("bounced", "b", 0)
    assert judge(Mail(), bounced, HONEYPOTS) == (Mail(), [bounced])


MAIL_EVENTS = st.builds(
    lambda kind, name, at, link, flag: event(
        kind,
        f"{kind[0]}{name}",
        at * 250,
        link if kind == "clicked" else None,
        flag if kind != "delivered" else None,
    ),
    st.sampled_from(["delivered", "opened", "clicked"]),
    st.integers(0, 10**6),
    st.integers(0, 400),
    st.sampled_from(["https://firm.example/a", "https://firm.example/b", "https://firm.example/c", HONEYPOT]),
    st.sampled_from([None, None, None, "provider_flag"]),
)
SETS = st.lists(MAIL_EVENTS, max_size=12, unique_by=lambda one: one.event_id)


@given(SETS, st.randoms(use_true_random=False))
def test_who_counts_in_the_end_depends_on_the_events_and_not_on_their_order(
    events: list[MailEvent], random: object
) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert outcome(shuffled).people == outcome(events).people


@given(SETS, st.data())
def test_repeats_change_nothing(events: list[MailEvent], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=6)) if events else []
    assert outcome([*events, *again]) == outcome(events)


@given(SETS)
def test_nothing_is_taken_back_that_was_told_as_a_machines_or_was_not_told(events: list[MailEvent]) -> None:
    seen: set[str] = set()
    for out in told(events):
        for one in out:
            if isinstance(one, Retraction):
                assert one.retracts in seen
            elif not one.machine:
                seen.add(one.event_id)


def test_every_order_of_a_scanners_visit_ends_alike() -> None:
    events = [
        delivered(),
        opened("o", SECOND),
        *(clicked(f"c{n}", 2 * SECOND + n, f"https://firm.example/{n}") for n in range(3)),
        clicked("late", HOUR),
    ]
    for order in permutations(events):
        assert outcome(order).people == {"late"}


def test_mails_are_kept_apart() -> None:
    recollection = Recollection()
    recollection.judge("mailer", delivered(), NOON)
    for other in (
        clicked("c", SECOND)._replace(message_id="m-2"),
        clicked("c", SECOND)._replace(email="ken@firm.example"),
        clicked("c", SECOND)._replace(message_id=None),
    ):
        assert recollection.judge("mailer", other, NOON) == [other]
    assert recollection.judge("another-mailer", clicked("c", SECOND), NOON) == [clicked("c", SECOND)]
    assert recollection.judge("mailer", clicked("c", SECOND), NOON) != [clicked("c", SECOND)]


def test_memory_is_bounded_by_number_and_by_time() -> None:
    recollection = Recollection(most=100)
    for number in range(1000):
        recollection.judge("mailer", delivered()._replace(message_id=f"m-{number}"), NOON)
        recollection.judge("mailer", opened("o", HOUR)._replace(message_id=f"m-{number}"), NOON)
        assert recollection.weight <= 100
    recollection.judge("mailer", delivered()._replace(message_id="last"), NOON + KEPT_MS + 1)
    assert recollection.weight == 1
    mail = Mail()
    for number in range(3 * MOST_SEEN):
        mail, _ = judge(mail, opened(f"o{number}", number * SECOND), HONEYPOTS)
    assert len(mail.seen) == MOST_SEEN


def test_a_retraction_names_the_event_and_is_the_same_when_repeated() -> None:
    one = Retraction("sendgrid-1", NOON, "mika@firm.example", "m-1", "honeypot_link")
    assert retraction(one) == retraction(one)
    assert retraction(one)["retracts"] == "sendgrid-1"
    assert retraction(one)["event_id"] != retraction(one._replace(retracts="sendgrid-2"))["event_id"]


@pytest.mark.parametrize("machine", [None, "provider_flag"])
def test_only_a_machines_event_says_so(machine: str | None) -> None:
    assert ("is_machine" in document(opened("o", 0, machine))) == (machine is not None)
