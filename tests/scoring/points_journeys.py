"""Journeys of the `published` model about points, visits and time, worked by hand from its table."""

from tests.reference.events import EMAIL, at, event, form, met, opened, view
from tests.reference.events import whitepaper as paper
from tests.reference.outcome import TICK
from tests.scoring.journey import ID, LEAD, MOVES_TO_SQL, SQL_AT_DAY_2, Journey

POINTS = [
    Journey(
        "two visits are worth nothing",
        [ID, view("v1", at(1)), view("v2", at(2))],
        {at(2): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "three visits within thirty days are worth ten points",
        [ID, view("v1", at(1)), view("v2", at(2)), view("v3", at(3))],
        {at(3): (10, "lead")},
        [LEAD],
    ),
    Journey(
        "more than three visits are worth ten points too",
        [ID, *(view(f"v{day}", at(day)) for day in range(1, 8))],
        {at(7): (10, "lead")},
        [LEAD],
    ),
    Journey(
        "a whitepaper is worth twenty points and makes an MQL",
        [ID, paper("w", at(1))],
        {at(1): (20, "mql")},
        [LEAD, (at(1), "mql", "w"), (at(31), "lead", TICK)],
    ),
    Journey(
        "a whitepaper form is a whitepaper",
        [form("f", at(1), "whitepaper", email=EMAIL)],
        {at(1): (20, "mql")},
        [(at(1), "lead", "f"), (at(1), "mql", "f"), (at(31), "lead", TICK)],
    ),
    Journey(
        "the form and the download of a whitepaper count once, dated at the later",
        [ID, form("f", at(1), "whitepaper"), paper("w", at(1, minute=5))],
        {at(1, minute=5): (20, "mql")},
        [LEAD, (at(1), "mql", "f"), (at(31, minute=5), "lead", TICK)],
    ),
    Journey(
        "of two different whitepapers only the newest counts",
        [ID, paper("w1", at(1), offer_id="a"), paper("w2", at(11), offer_id="b")],
        {at(11): (20, "mql"), at(41, ms=-1): (20, "mql"), at(41): (0, "lead")},
        [LEAD, (at(1), "mql", "w1"), (at(41), "lead", TICK)],
    ),
    Journey(
        "an ebook, a newsletter, a demo form and a click are worth nothing",
        [
            ID,
            paper("e", at(1), offer_type="ebook"),
            form("n", at(2), "newsletter"),
            form("d", at(3), "demo"),
            event("email_clicked", "c", at(4)),
        ],
        {at(4): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "a contact with a salesperson is worth thirty points",
        [ID, met("m", at(1))],
        {at(1): (30, "mql")},
        [LEAD, (at(1), "mql", "m"), (at(31), "lead", TICK)],
    ),
    Journey(
        "two contacts with a salesperson are worth thirty points",
        [ID, met("m1", at(1)), met("m2", at(2))],
        {at(2): (30, "mql"), at(32, ms=-1): (30, "mql")},
        [LEAD, (at(1), "mql", "m1"), (at(32), "lead", TICK)],
    ),
    Journey(
        "an email opened is worth five points",
        [ID, opened("o", at(1))],
        {at(1): (5, "lead")},
        [LEAD],
    ),
    Journey(
        "only the newest two opens count",
        [ID, *(opened(f"o{day}", at(day)) for day in range(1, 6))],
        {at(5): (10, "lead"), at(34, ms=-1): (10, "lead"), at(34): (5, "lead"), at(35): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "an open by a machine is worth nothing and pushes no human one out",
        [ID, opened("o1", at(1)), opened("o2", at(2)), opened("o3", at(3), is_machine=True)],
        {at(3): (10, "lead"), at(31): (5, "lead")},
        [LEAD],
    ),
    Journey(
        "a page viewed by a machine is no visit",
        [ID, view("v1", at(1)), view("v2", at(2)), view("v3", at(3), is_machine=True)],
        {at(3): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "visits, a whitepaper and two opens are exactly the forty of an SQL",
        [
            ID,
            *(view(f"v{day}", at(day)) for day in (1, 2, 3)),
            paper("w", at(4)),
            opened("o1", at(5)),
            opened("o2", at(6)),
        ],
        {at(6): (40, "sql")},
        [LEAD, (at(4), "mql", "w"), (at(6), "sql", "o2")],
    ),
    Journey(
        "thirty-five points are no SQL",
        [ID, met("m", at(1)), opened("o", at(2))],
        {at(2): (35, "mql")},
        [LEAD, (at(1), "mql", "m"), (at(31), "lead", TICK)],
    ),
    Journey(
        "fifteen points are no MQL",
        [ID, *(view(f"v{day}", at(day)) for day in (1, 2, 3)), opened("o", at(4))],
        {at(4): (15, "lead")},
        [LEAD],
    ),
]

VISITS = [
    Journey(
        "page views a millisecond less than thirty minutes apart are one visit",
        [ID, *(view(f"v{n}", at(1, minute=30 * n, ms=-n)) for n in range(6))],
        {at(2): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "page views thirty minutes apart are different visits",
        [ID, *(view(f"v{n}", at(1, minute=30 * n)) for n in range(3))],
        {at(2): (10, "lead")},
        [LEAD],
    ),
    Journey(
        "page views of one session are one visit, even days apart",
        [ID, *(view(f"v{day}", at(day), session_id="s") for day in (1, 2, 3))],
        {at(3): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "page views of different sessions are different visits, even a minute apart",
        [ID, *(view(f"v{n}", at(1, minute=n), session_id=f"s{n}") for n in range(3))],
        {at(2): (10, "lead")},
        [LEAD],
    ),
    Journey(
        "a page view without a session does not belong to a session around it",
        [
            ID,
            view("v1", at(1), session_id="s"),
            view("v2", at(1, minute=1)),
            view("v3", at(1, minute=2), session_id="s"),
            view("v4", at(2)),
        ],
        {at(2): (10, "lead")},
        [LEAD],
    ),
    Journey(
        "a page view that arrives late joins two visits into one",
        [ID, view("v1", at(1)), view("v3", at(1, minute=50)), view("late", at(1, minute=25)), view("v4", at(2))],
        {at(2): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "a visit is dated at its first page",
        [
            ID,
            view("v1", at(1)),
            view("v2", at(2)),
            view("v3", at(3)),
            view("v4", at(3, minute=29)),
            view("v5", at(3, minute=58)),
        ],
        {at(33, ms=-1): (10, "lead"), at(33): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "three visits spread over exactly thirty days are not enough",
        [ID, view("v1", at(1)), view("v2", at(11)), view("v3", at(31))],
        {at(31): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "three visits spread over a millisecond less than thirty days are enough",
        [ID, view("v1", at(1)), view("v2", at(11)), view("v3", at(31, ms=-1))],
        {at(31, ms=-1): (10, "lead")},
        [LEAD],
    ),
    Journey(
        "the points for visits live thirty days from the third visit",
        [ID, view("v1", at(1)), view("v2", at(11)), view("v3", at(21))],
        {at(51, ms=-1): (10, "lead"), at(51): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "a further visit with two others in its thirty days renews the points",
        [ID, view("v1", at(1)), view("v2", at(11)), view("v3", at(21)), view("v4", at(36))],
        {at(66, ms=-1): (10, "lead"), at(66): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "a further visit with only one other in its thirty days renews nothing",
        [ID, view("v1", at(1)), view("v2", at(2)), view("v3", at(3)), view("v4", at(32, hour=12))],
        {at(32, hour=12): (10, "lead"), at(33): (0, "lead")},
        [LEAD],
    ),
]

TIME = [
    Journey(
        "points live for thirty days and not a millisecond longer",
        [ID, paper("w", at(1))],
        {at(31, ms=-1): (20, "mql"), at(31): (0, "lead")},
        [LEAD, (at(1), "mql", "w"), (at(31), "lead", TICK)],
    ),
    Journey(
        "an MQL remains one with fifteen points and is left below",
        [ID, opened("o1", at(1)), opened("o2", at(2)), *(view(f"v{day}", at(day)) for day in (3, 4, 5))],
        {at(5): (20, "mql"), at(31): (15, "mql"), at(32, ms=-1): (15, "mql"), at(32): (10, "lead")},
        [LEAD, (at(5), "mql", "v5"), (at(32), "lead", TICK)],
    ),
    Journey(
        "a lead that time took out of MQL comes back by new evidence",
        [ID, paper("w1", at(1)), paper("w2", at(40))],
        {at(40): (20, "mql"), at(70): (0, "lead")},
        [LEAD, (at(1), "mql", "w1"), (at(31), "lead", TICK), (at(40), "mql", "w2"), (at(70), "lead", TICK)],
    ),
    Journey(
        "evidence renewed in time keeps an MQL without a move",
        [ID, paper("w1", at(1)), paper("w2", at(31, ms=-1))],
        {at(31): (20, "mql"), at(61, ms=-1): (0, "lead")},
        [LEAD, (at(1), "mql", "w1"), (at(61, ms=-1), "lead", TICK)],
    ),
    Journey(
        "evidence renewed at the instant of its end leaves MQL and enters it again",
        [ID, paper("w1", at(1)), paper("w2", at(31))],
        {at(31): (20, "mql")},
        [LEAD, (at(1), "mql", "w1"), (at(31), "lead", TICK), (at(31), "mql", "w2"), (at(61), "lead", TICK)],
    ),
    Journey(
        "an SQL is not left by time",
        SQL_AT_DAY_2,
        {at(2): (50, "sql"), at(100): (0, "sql")},
        MOVES_TO_SQL,
    ),
    Journey(
        "a reinstated lead with enough points is lifted by no event that no rule counts",
        [
            *(ID, paper("w", at(1))),
            event("lead_disqualified", "no", at(2)),
            event("lead_reinstated", "yes", at(3)),
            event("email_delivered", "d", at(4)),
            event("email_clicked", "c", at(5)),
            opened("o", at(6)),
        ],
        {at(6): (25, "mql")},
        [
            *(LEAD, (at(1), "mql", "w"), (at(2), "disqualified", "no"), (at(3), "lead", "yes")),
            *((at(6), "mql", "o"), (at(31), "lead", TICK)),
        ],
    ),
]
