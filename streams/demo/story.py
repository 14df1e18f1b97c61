"""The journeys that the demo plays, each with its end by the `b2b` model, worked out by hand.

The fit is the cast's: 35 an executive, 34 a director, 30 a manager, 19 without decision power. What people do:
3 or more visits +10, 3 or more to product or pricing pages +25 more, a visit to prices +5, a whitepaper +20, an
ebook +15, a third offer +20, a request +40 (for information +20), much told in its form +10, an open +5, a click
+10 (15 together at most), a newsletter +5, a call of theirs +30. Points halve in 14 days (visits, mails, requests)
or 30.

MQL from 40 with 15 of behaviour, or by a request; SQL from 70 for a manager or above who shows intent on two days,
or by a request, if the model's conditions for it are met. What arrives more than 7 days late hands nobody over:
each story that does has its last step within the last week, from day 21.1 on.
"""

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from streams.demo.cast import Rank, people
from streams.demo.journey import CRAWLER, LINK_SCANNER, PRICING, PRODUCT, SPAN_DAYS, Call, Pen, Person
from streams.scoring.instant import DAY
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.qualification import PROMOTED, SCORE
from streams.scoring.response import REVIEW


class End(NamedTuple):
    """How a story must end. A `visitor` never shows on `lead-transitions`."""

    stage: str
    lanes: tuple[str, ...] = ()  # of its handoffs, in order
    notes: tuple[str, ...] = ()  # what sales was asked to look at
    passes: str = ""  # a stage that it must have been in
    held: str = ""  # words of what holds it back in the end


class Lead(NamedTuple):
    """An identity of a journey, and how it must end."""

    email: str | None
    user_id: str | None
    anonymous_id: str | None
    end: End


class Journey(NamedTuple):
    """Everything that happens around one story; `calls` in the order in which they were made.

    `duplicates`: events sent again; `retractions`: events that the collector itself adds; `dead`: dead letters.
    """

    story: str
    leads: tuple[Lead, ...]
    calls: tuple[Call, ...]
    duplicates: int = 0
    retractions: int = 0
    dead: int = 0


class Story(NamedTuple):
    """`weight`: how often it is played beyond once, which every story is."""

    tells: str
    rank: Rank
    weight: int
    play: Callable[[Pen], End]
    duplicates: int = 0
    retractions: int = 0
    dead: int = 0
    domain: str | None = None


# --- who stays a visitor or a lead


def _passer_by(pen: Pen) -> End:
    pen.visits(11)
    return End("visitor")  # 0


def _regular(pen: Pen) -> End:
    pen.visits(2, 9, 17, 24, pages=PRODUCT)  # +10 +25
    return End("visitor")  # 35, and nobody knows whose


def _first_visit(pen: Pen) -> End:
    pen.visits(11, pages=PRODUCT)
    pen.sign_up(11.2)
    pen.known(11.4)  # 34
    return End("lead")  # 34: the right company, and nothing done yet


def _subscriber(pen: Pen) -> End:
    pen.visits(6)
    pen.newsletter(6.2)  # +5
    pen.opened(13, 20)  # +5 +5
    return End("lead")  # 14


def _every_mail(pen: Pen) -> End:
    pen.newsletter(1)  # +5
    pen.known(1.2)  # 30
    pen.opened(4, 7, 10, 14, 18, 22, 26)  # +10, not +35
    return End("lead")  # 43, but behaviour below 15


def _unreachable(pen: Pen) -> End:
    pen.log_in(4)
    pen.visits(5, 10, 15, pages=PRODUCT)  # +10 +25
    pen.whitepaper(16)  # +20
    return End("lead")  # 54, but no address and no phone


def _retried(pen: Pen) -> End:
    pen.sign_up(5)
    pen.known(5.2)  # 19
    pen.ebook(10)  # +15
    pen.opened(12)  # +5, not +10
    pen.repeat(2)
    return End("lead")  # 38


def _scanned_opens(pen: Pen) -> End:
    pen.sign_up(2)
    pen.known(2.2)  # 19
    pen.ebook(14)  # +15
    pen.opened(17, 24, agent=LINK_SCANNER)  # +0, not +10
    return End("lead")  # 34


def _crawler(pen: Pen) -> End:
    pen.visits(1, 4, 8, 12, 16, 20, 24, 26, pages=PRODUCT, agent=CRAWLER)
    pen.whitepaper(26.5, agent=CRAWLER)
    return End("visitor")


def _scanned_clicks(pen: Pen) -> End:
    pen.newsletter(3)  # +5
    pen.known(3.2)  # 35
    pen.scanned(16)  # +15 at the second click: 53; the third gives the scanner away, and takes them back
    return End("lead", passes="mql")  # 38


def _competitor(pen: Pen) -> End:
    pen.visits(4, 5, 6, pages=PRODUCT)
    pen.sign_up(7)  # by the domain of the address
    pen.whitepaper(8)
    return End("disqualified")


# --- marketing-qualified, and what each waits for


def _reader(pen: Pen) -> End:
    pen.visits(5, 7, 9)  # +10
    pen.whitepaper(10)  # +20
    pen.sign_up(10.2)
    pen.known(10.4)  # 19
    return End("mql", held="decision power: staff")  # 48


def _manager_reads(pen: Pen) -> End:
    pen.sign_up(2)
    pen.known(2.2)  # 30
    pen.whitepaper(19)  # +20
    return End("mql", held="more points (has 50 of 70); no clear intent yet")  # 50


def _asks_for_information(pen: Pen) -> End:
    pen.form(14, "Information Requested")  # +20 +10, 19
    return End("mql", held="decision power: staff")  # 49: informed, not called


def _wrong_clock(pen: Pen) -> End:
    pen.sign_up(7)
    pen.known(7.2)  # 30
    pen.whitepaper(9)  # +20
    pen.spoke_in_the_future(2)  # a dead letter, not +30
    return End("mql", held="no clear intent yet")  # 50


def _only_a_browser(pen: Pen) -> End:
    pen.sign_up(6, all_told=True)  # 35
    pen.visits(8, 15, 21.5, pages=PRODUCT)  # +10 +25
    return End("mql", held="seen from a browser only")  # 70


def _told_too_late(pen: Pen) -> End:
    pen.sign_up(2)
    pen.known(2.2)  # 35
    pen.visits(3, 7, 12, pages=PRODUCT)  # +10 +25: 70, and more than 7 days ago
    return End("mql", held="arrived too late")


def _customer_asks_for_a_quote(pen: Pen) -> End:
    pen.known(8)  # 30
    pen.sales(9, "relationship_set", relationship="customer")
    pen.form(22, "Quote Requested", "Thirty more licences, please.")  # +40 +10
    return End("mql", notes=(RELATIONSHIP,), held="already a customer")  # 80


# --- handed over by score


def _compares(pen: Pen) -> End:
    pen.sign_up(4)
    pen.known(4.2)  # 35
    pen.visits(6, 14, 21.4, pages=PRODUCT)  # +10 +25
    return End("sql", (SCORE,))  # 70


def _looks_at_prices(pen: Pen) -> End:
    pen.sign_up(7)
    pen.known(7.2)  # 34
    pen.visits(8, 15, pages=PRODUCT)
    pen.visits(21.6, pages=PRICING)  # +10 +25 +5
    return End("sql", (SCORE,))  # 74


def _several_offers(pen: Pen) -> End:
    pen.sign_up(4)
    pen.known(4.2)  # 30
    pen.whitepaper(5)  # 13.7 of 20 on day 21.5
    pen.ebook(12)  # 12.0 of 15
    pen.webinar(21.5)  # +5, and +20 for the third offer
    return End("sql", (SCORE,))  # 80.7


def _calls(pen: Pen) -> End:
    pen.visits(4)
    pen.sign_up(5)
    pen.known(5.2)  # 30
    pen.whitepaper(12)  # 15.9 of 20 on day 22
    pen.spoke(22)  # +30
    return End("sql", (SCORE,))  # 75.9


def _found_out(pen: Pen) -> End:
    pen.known(1)  # 35
    pen.visits(3, 9, pages=PRODUCT)
    pen.visits(21.2, pages=PRICING)  # +10 +25 +5, and nobody knows whose
    pen.sign_up(22)  # now one does: 38.4 of 40
    return End("sql", (SCORE,))  # 73.4


def _works_out(pen: Pen) -> End:
    pen.sign_up(5)
    pen.known(5.2)  # 35
    pen.visits(9, 16, 21.2, pages=PRODUCT)  # +10 +25: 70
    pen.sales(23.1, "handoff_accepted")
    pen.sales(23.3, "meeting_booked")
    pen.sales(25.2, "opportunity_created", amount="2400000", currency="JPY")
    return End("opportunity", (SCORE,))


def _no_budget(pen: Pen) -> End:
    pen.sign_up(5)
    pen.known(5.2)  # 35
    pen.visits(9, 16, 21.3, pages=PRODUCT)  # +10 +25: 70
    pen.sales(23.2, "handoff_rejected", reason="no_budget")
    pen.visits(25.2, 26.2, pages=PRODUCT)  # within the 90 days of its cool-down
    return End("recycled", (SCORE,))


# --- handed over by a request


def _asks_for_a_demo(pen: Pen) -> End:
    pen.visits(20, pages=PRODUCT)
    pen.form(22, "Demo Requested", "Could we see the planning board next week?")  # +40 +10, 34
    return End("sql", ("demo",))  # 84


def _title_later(pen: Pen) -> End:
    pen.form(21.3, "Demo Requested", "A demo for our two plants, please.", without="job_title")  # +40 +10, 19: 69
    pen.known(23.1)  # 34
    return End("sql", ("demo",), notes=(REVIEW,), passes="mql")  # 79.1


def _student(pen: Pen) -> End:
    pen.form(21.3, "Demo Requested", "For my thesis.")  # +40 +10, 4
    pen.sales(23.1, "lead_disqualified", reason="student")
    return End("disqualified", notes=(REVIEW,), passes="mql")


def _unsubscribed_asks(pen: Pen) -> End:
    pen.newsletter(3)  # 3.2 of 5 on day 22
    pen.unsubscribed(12)  # -15
    pen.form(22, "Contact Requested", "Please call me about our Osaka plant.")  # +40 +10, 19
    return End("sql", ("contact",))  # 57.2, and no marketing mail


def _asks_for_a_quote(pen: Pen) -> End:
    pen.form(21.8, "Quote Requested", "120 users, from January.")  # +40 +10, 30
    return End("sql", ("quote",))  # 80


def _asks_again(pen: Pen) -> End:
    pen.sign_up(5)
    pen.known(5.2)  # 35
    pen.visits(9, 16, 21.3, pages=PRODUCT)  # +10 +25: 70
    pen.sales(23.2, "handoff_rejected", reason="timing")  # 90 days, and what was before counts no more
    pen.form(25.3, "Contact Requested", "It is more urgent than I thought.")  # +40 +10: an own request ends them
    return End("sql", (SCORE, "contact"), passes="recycled")  # 85


def _promoted(pen: Pen) -> End:
    pen.sign_up(12)
    pen.known(12.2)  # 19
    pen.sales(22, "lead_promoted", reason="met at the trade fair")
    return End("sql", (PROMOTED,), passes="mql")  # 19: a person decides


STORIES: Final = (
    Story("one visit, unknown", Rank.PLANNER, 20, _passer_by),
    Story("often on the product pages, unknown", Rank.PLANNER, 3, _regular),
    Story("the right company, one visit", Rank.DIRECTOR, 8, _first_visit),
    Story("a newsletter and its mails", Rank.PLANNER, 10, _subscriber),
    Story("opens every mail, and no more", Rank.MANAGER, 2, _every_mail),
    Story("signed in, without an address", Rank.MANAGER, 0, _unreachable),
    Story("one open that the SDK sent three times", Rank.PLANNER, 0, _retried, duplicates=2),
    Story("mails opened by a link scanner", Rank.PLANNER, 0, _scanned_opens),
    Story("a search engine's crawler", Rank.PLANNER, 0, _crawler),
    Story("a mail gateway's clicks, taken back", Rank.EXECUTIVE, 0, _scanned_clicks, retractions=2),
    Story("a competitor", Rank.DIRECTOR, 0, _competitor, domain="competitor.example"),
    Story("a reader who decides nothing", Rank.PLANNER, 8, _reader),
    Story("a manager with a whitepaper", Rank.MANAGER, 5, _manager_reads),
    Story("a request for information", Rank.PLANNER, 2, _asks_for_information),
    Story("a telephone system whose clock is two days ahead", Rank.MANAGER, 0, _wrong_clock, dead=1),
    Story("an address that only a browser has seen", Rank.EXECUTIVE, 0, _only_a_browser),
    Story("qualified, and told too late", Rank.EXECUTIVE, 0, _told_too_late),
    Story("a customer asks for a quote", Rank.MANAGER, 0, _customer_asks_for_a_quote),
    Story("product pages on three days", Rank.EXECUTIVE, 1, _compares),
    Story("product pages, then prices", Rank.DIRECTOR, 1, _looks_at_prices),
    Story("a whitepaper, an ebook, a webinar", Rank.MANAGER, 0, _several_offers),
    Story("a whitepaper, then a call", Rank.MANAGER, 1, _calls),
    Story("a stranger's device turns out to be an executive's", Rank.EXECUTIVE, 0, _found_out),
    Story("accepted, a meeting, an opportunity", Rank.EXECUTIVE, 0, _works_out),
    Story("rejected for want of a budget", Rank.EXECUTIVE, 0, _no_budget),
    Story("a demo request of a director", Rank.DIRECTOR, 1, _asks_for_a_demo),
    Story("a demo request whose title comes later", Rank.DIRECTOR, 0, _title_later),
    Story("a demo request of a student", Rank.INTERN, 0, _student),
    Story("wants no mail, asks for a call", Rank.PLANNER, 0, _unsubscribed_asks),
    Story("a quote request", Rank.MANAGER, 1, _asks_for_a_quote),
    Story("rejected as too early, asks by itself", Rank.EXECUTIVE, 0, _asks_again),
    Story("handed over by a person", Rank.PLANNER, 0, _promoted),
)
SHARED_DEVICE: Final = "two people and a shared device"


def _shared(pair: list[Person], start: int, random: Random) -> Journey:
    """Both called sales (30 +30); what the device does later is neither's (+10 +25 would make an SQL)."""
    device = pair[0].anonymous_id
    calls: list[Call] = []
    for day, person in enumerate(pair, 2):
        pen = Pen(person, start, random)
        pen.sign_up(day, device)
        pen.known(day + 0.2)
        pen.spoke(day + 8)
        if person is pair[0]:
            pen.visits(15, 18, 21.2, 26, pages=PRODUCT)
        calls += pen.calls
    end = End("mql", held="10 more points (has 60 of 70); active on 0 of 2 days")
    leads = tuple(Lead(person.email, person.user_id, None, end) for person in pair)
    return Journey(SHARED_DEVICE, (*leads, Lead(None, None, device, End("visitor"))), tuple(calls))


def _one(story: Story, person: Person, start: int, random: Random) -> Journey:
    pen = Pen(_cast(person, story.rank, random, story.domain), start, random)
    end = story.play(pen)
    person = pen.person
    named = any(person.email in str((call.content, call.context)) for call in pen.calls)
    known = any("user_id" in call.who for call in pen.calls)
    lead = Lead(person.email if named else None, person.user_id if known else None, person.anonymous_id, end)
    return Journey(story.tells, (lead,), tuple(pen.calls), story.duplicates, story.retractions, story.dead)


def _cast(person: Person, rank: Rank, random: Random, domain: str | None = None) -> Person:
    return person._replace(title=random.choice(rank.value), domain=domain or person.domain)


FEWEST: Final = len(STORIES) + 3
"""Every story once, and the three of the shared device."""


def journeys(leads: int, seed: int, now: int) -> list[Journey]:
    """About so many leads (at least FEWEST); the same for the same seed and instant (Unix ms)."""
    random = Random(seed)  # noqa: S311  a repeatable play, no secret
    start = now - int(SPAN_DAYS * DAY)
    cast = people(random)
    pair = [_cast(next(cast), Rank.MANAGER, random) for _ in range(2)]
    found = [_shared(pair, start, random)]
    found += [_one(story, next(cast), start, random) for story in STORIES]
    weights = [story.weight for story in STORIES]
    for _ in range(leads - FEWEST):
        (story,) = random.choices(STORIES, weights)
        found.append(_one(story, next(cast), start, random))
    return found
