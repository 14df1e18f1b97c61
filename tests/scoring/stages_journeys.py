"""Journeys of the `published` model about identity, sales and retraction, worked by hand from its table."""

from tests.reference.events import EMAIL, PHONE, USER, at, event, form, identified, met, opened, retraction, view
from tests.reference.events import whitepaper as paper
from tests.reference.outcome import TICK
from tests.scoring.journey import ID, LEAD, MOVES_TO_SQL, SQL_AT_DAY_2, Journey

IDENTITY = [
    Journey(
        "an unknown visitor stays one whatever the score",
        [paper("w", at(1)), met("m", at(2))],
        {at(2): (50, "visitor")},
        [],
    ),
    Journey(
        "an address makes a lead, an MQL and an SQL of a busy visitor at one instant",
        [paper("w", at(1)), met("m", at(2)), identified("who", at(3))],
        {at(3): (50, "sql")},
        [(at(3), "lead", "who"), (at(3), "mql", "who"), (at(3), "sql", "who")],
    ),
    Journey(
        "a user id makes a lead and an MQL but no SQL",
        [identified("id", at(), user_id=USER), paper("w", at(1)), met("m", at(2))],
        {at(2): (50, "mql")},
        [LEAD, (at(1), "mql", "w"), (at(32), "lead", TICK)],
    ),
    Journey(
        "a phone number is enough for an SQL",
        [identified("id", at(), phone=PHONE), paper("w", at(1)), met("m", at(2))],
        {at(2): (50, "sql")},
        MOVES_TO_SQL,
    ),
    Journey(
        "a blank address is no address",
        [
            identified("id", at(), user_id=USER),
            paper("w", at(1)),
            met("m", at(2)),
            form("f", at(3), "demo", phone=" "),
        ],
        {at(3): (50, "mql")},
        [LEAD, (at(1), "mql", "w"), (at(32), "lead", TICK)],
    ),
    Journey(
        "an event worth nothing that first tells the address completes no SQL, the next visit does",
        [
            *(identified("id", at(), user_id=USER), paper("w", at(1)), met("m", at(2))),
            event("custom", "c", at(3), name="login", email=EMAIL),
            view("v", at(4)),
        ],
        {at(3): (50, "mql"), at(4): (50, "sql")},
        [LEAD, (at(1), "mql", "w"), (at(4), "sql", "v")],
    ),
    Journey(
        "a jump from lead to SQL passes through MQL",
        [ID, opened("o1", at(1)), opened("o2", at(2)), met("m", at(3))],
        {at(3): (40, "sql")},
        [LEAD, (at(3), "mql", "m"), (at(3), "sql", "m")],
    ),
    Journey(
        "an attribute worth nothing lifts a reinstated lead with enough points",
        [
            *(ID, paper("w", at(1)), event("lead_disqualified", "no", at(2))),
            *(event("lead_reinstated", "yes", at(3)), event("company_identified", "c", at(4), company="ACME")),
        ],
        {at(4): (20, "mql")},
        [
            *(LEAD, (at(1), "mql", "w"), (at(2), "disqualified", "no"), (at(3), "lead", "yes")),
            *((at(4), "mql", "c"), (at(31), "lead", TICK)),
        ],
    ),
]

REJECTED = [*SQL_AT_DAY_2, event("handoff_rejected", "no", at(3))]
MOVES_TO_REJECTED = [*MOVES_TO_SQL, (at(3), "recycled", "no"), (at(3), "lead", "no")]
SQL_AGAIN = [*REJECTED, paper("w2", at(4)), met("m2", at(5))]
MOVES_TO_SQL_AGAIN = [*MOVES_TO_REJECTED, (at(4), "mql", "w2"), (at(5), "sql", "m2")]

SALES = [
    Journey(
        "an accepted handoff becomes an opportunity and a customer",
        [
            *SQL_AT_DAY_2,
            event("handoff_accepted", "a", at(3)),
            event("opportunity_created", "b", at(4)),
            event("deal_won", "c", at(5)),
        ],
        {at(5): (50, "customer")},
        [*MOVES_TO_SQL, (at(3), "accepted", "a"), (at(4), "opportunity", "b"), (at(5), "customer", "c")],
    ),
    Journey(
        "a meeting implies acceptance and a later call changes nothing",
        [*SQL_AT_DAY_2, event("meeting_booked", "a", at(3)), event("contacted", "b", at(4))],
        {at(4): (50, "accepted")},
        [*MOVES_TO_SQL, (at(3), "accepted", "a")],
    ),
    Journey(
        "an earlier step told after a later one changes nothing",
        [*SQL_AT_DAY_2, event("opportunity_created", "a", at(3)), event("handoff_accepted", "b", at(4))],
        {at(4): (50, "opportunity")},
        [*MOVES_TO_SQL, (at(3), "opportunity", "a")],
    ),
    Journey(
        "a rejected handoff makes a lead again at the same instant",
        REJECTED,
        {at(3): (0, "lead")},
        MOVES_TO_REJECTED,
    ),
    Journey(
        "a lost deal makes a lead again",
        [*SQL_AT_DAY_2, event("handoff_accepted", "a", at(3)), event("deal_lost", "b", at(4))],
        {at(4): (0, "lead")},
        [*MOVES_TO_SQL, (at(3), "accepted", "a"), (at(4), "recycled", "b"), (at(4), "lead", "b")],
    ),
    Journey(
        "evidence from before a rejection is worth nothing after it",
        [*REJECTED, opened("o", at(4))],
        {at(4): (5, "lead")},
        MOVES_TO_REJECTED,
    ),
    Journey(
        "evidence from after a rejection makes a second SQL",
        SQL_AGAIN,
        {at(5): (50, "sql")},
        MOVES_TO_SQL_AGAIN,
    ),
    Journey(
        "visits from before a rejection do not help those after it",
        [
            *(ID, event("lead_promoted", "p", at(1)), view("v1", at(2)), view("v2", at(3))),
            event("handoff_rejected", "no", at(4)),
            *(view("v3", at(5)), met("m", at(6)), opened("o1", at(7)), opened("o2", at(8))),
        ],
        {at(8): (40, "sql")},
        [
            *(LEAD, (at(1), "mql", "p"), (at(1), "sql", "p"), (at(4), "recycled", "no"), (at(4), "lead", "no")),
            *((at(6), "mql", "m"), (at(8), "sql", "o2")),
        ],
    ),
    Journey(
        "feedback on an old handoff moves nothing",
        [*SQL_AGAIN, event("handoff_accepted", "old", at(6), handoff_id="ho-1")],
        {at(6): (50, "sql")},
        MOVES_TO_SQL_AGAIN,
    ),
    Journey(
        "feedback that names no handoff means the newest open one",
        [*SQL_AGAIN, event("handoff_accepted", "a", at(6))],
        {at(6): (50, "accepted")},
        [*MOVES_TO_SQL_AGAIN, (at(6), "accepted", "a")],
    ),
    Journey(
        "feedback that names the open handoff moves it",
        [*SQL_AGAIN, event("handoff_rejected", "r", at(6), handoff_id="ho-2")],
        {at(6): (0, "lead")},
        [*MOVES_TO_SQL_AGAIN, (at(6), "recycled", "r"), (at(6), "lead", "r")],
    ),
    Journey(
        "feedback without an open handoff moves nothing",
        [
            ID,
            paper("w", at(1)),
            event("handoff_accepted", "a", at(2)),
            event("handoff_rejected", "b", at(3)),
        ],
        {at(3): (20, "mql")},
        [LEAD, (at(1), "mql", "w"), (at(31), "lead", TICK)],
    ),
    Journey(
        "a disqualified lead stays so whatever it does",
        [ID, event("lead_disqualified", "no", at(1)), paper("w", at(2)), met("m", at(3))],
        {at(3): (50, "disqualified")},
        [LEAD, (at(1), "disqualified", "no")],
    ),
    Journey(
        "a reinstated lead keeps its points and is lifted by the next event that counts",
        [
            *(ID, event("lead_disqualified", "no", at(1)), paper("w", at(2)), met("m", at(3))),
            *(event("lead_reinstated", "yes", at(4)), opened("o", at(5))),
        ],
        {at(5): (55, "sql")},
        [
            *(LEAD, (at(1), "disqualified", "no"), (at(4), "lead", "yes")),
            *((at(5), "mql", "o"), (at(5), "sql", "o")),
        ],
    ),
    Journey(
        "a person's promotion makes an SQL without points",
        [ID, event("lead_promoted", "p", at(1))],
        {at(1): (0, "sql")},
        [LEAD, (at(1), "mql", "p"), (at(1), "sql", "p")],
    ),
    Journey(
        "a promotion overrides that no address is known",
        [identified("id", at(), user_id=USER), event("lead_promoted", "p", at(1))],
        {at(1): (0, "sql")},
        [LEAD, (at(1), "mql", "p"), (at(1), "sql", "p")],
    ),
]

RECORD = [
    Journey(
        "an event that arrives three times counts once",
        [ID, opened("o", at(1)), opened("o", at(1)), opened("o", at(1))],
        {at(1): (5, "lead")},
        [LEAD],
    ),
    Journey(
        "events that arrive backwards count at their own times",
        list(reversed(SQL_AT_DAY_2)),
        {at(2): (50, "sql")},
        MOVES_TO_SQL,
    ),
    Journey(
        "a retraction takes the points and the stage from its own time on",
        [ID, paper("w", at(1)), retraction("x", at(3), "w")],
        {at(3): (0, "lead")},
        [LEAD, (at(1), "mql", "w"), (at(3), "lead", "x")],
    ),
    Journey(
        "what was retracted before it happened never counts",
        [ID, retraction("x", at(1), "w"), paper("w", at(2))],
        {at(2): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "a retraction does not take a handoff back",
        [*SQL_AT_DAY_2, retraction("x", at(3), "m")],
        {at(3): (20, "sql")},
        MOVES_TO_SQL,
    ),
    Journey(
        "the retraction of one of three visits takes the points of all",
        [ID, *(view(f"v{day}", at(day)) for day in (1, 2, 3)), retraction("x", at(4), "v2")],
        {at(4): (0, "lead")},
        [LEAD],
    ),
    Journey(
        "the retraction of the newest open lets an older one count again",
        [ID, *(opened(f"o{day}", at(day)) for day in (1, 2, 3)), retraction("x", at(4), "o3")],
        {at(4): (10, "lead"), at(31): (5, "lead")},
        [LEAD],
    ),
    Journey(
        "an event retracted before it happened tells no address",
        [retraction("x", at(1), "w"), paper("w", at(2), email=EMAIL)],
        {at(2): (0, "visitor")},
        [],
    ),
    Journey(
        "an address stays known when the event that told it is retracted",
        [paper("w", at(1), email=EMAIL), retraction("x", at(2), "w"), paper("w2", at(3)), met("m", at(4))],
        {at(4): (50, "sql")},
        [
            *((at(1), "lead", "w"), (at(1), "mql", "w"), (at(2), "lead", "x")),
            *((at(3), "mql", "w2"), (at(4), "sql", "m")),
        ],
    ),
]
