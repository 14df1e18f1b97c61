"""What the mail providers tell becomes events of the contract."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.dead_letter import Rejected
from schemas.event import validate
from streams.collector.hooks import brevo, mailgun, postmark, sendgrid, ses
from streams.collector.hooks.mail_adapter import adapt_mail
from streams.collector.hooks.provider import Elements
from streams.collector.hooks.recollection import Recollection
from streams.collector.records import seal
from streams.collector.request import Adapted
from tests.collector.hook_samples import at, sample

NOW = at("2026-11-23T00:00:00Z")
Read = Callable[[bytes], Elements | Rejected]


def told(read: Read, *documents: Any) -> Adapted:
    """The events of documents that came one after another, as they are published."""
    recollection, every = Recollection(), []
    for document in documents:
        found = read(json.dumps(document).encode())
        assert not isinstance(found, Rejected), found
        adapted = adapt_mail(found, "mailer", recollection, NOW)
        assert adapted.dead == []
        every += adapted.events
    whole = adapted._replace(events=every)
    seal(whole, NOW)
    return whole


def brief(adapted: Adapted) -> list[tuple[object, ...]]:
    """Type, person and what else matters."""
    return [
        (
            event["type"],
            str(event["email"]).partition("@")[0],
            event.get("bounce_type") or event.get("machine_reason"),
        )
        for event in adapted.events
    ]


SENDGRID = [
    ("email_delivered", "mika", None),
    ("email_opened", "mika", None),
    ("email_clicked", "mika", None),
    ("email_opened", "apple", "provider_flag"),
    ("email_bounced", "gone", "hard"),
    ("email_bounced", "full", "soft"),
    ("email_complained", "angry", None),
    ("email_unsubscribed", "leaver", None),
    ("email_subscribed", "back", None),
]
POSTMARK = [
    ("email_delivered", "mika", None),
    ("email_opened", "mika", None),
    ("email_clicked", "mika", None),
    ("email_bounced", "gone", "hard"),
    ("email_bounced", "full", "soft"),
    ("email_complained", "angry", None),
    ("email_unsubscribed", "leaver", None),
]
SES = [
    ("email_delivered", "mika", None),
    ("email_opened", "mika", None),
    ("email_clicked", "mika", None),
    ("email_bounced", "gone", "hard"),
    ("email_bounced", "left", "hard"),
    ("email_complained", "angry", None),
    ("email_unsubscribed", "leaver", None),
]
BREVO = [
    ("email_delivered", "mika", None),
    ("email_opened", "mika", None),
    ("email_opened", "mika", None),
    ("email_clicked", "mika", None),
    ("email_opened", "apple", "provider_flag"),
    ("email_bounced", "gone", "hard"),
    ("email_bounced", "full", "soft"),
    ("email_complained", "angry", None),
    ("email_unsubscribed", "leaver", None),
]


@pytest.mark.parametrize(
    ("read", "documents", "expected"),
    [
        (sendgrid.elements, [sample("sendgrid")], SENDGRID),
        (postmark.elements, sample("postmark"), POSTMARK),
        (ses.elements, sample("ses"), SES),
        (brevo.elements, sample("brevo"), BREVO),
        (brevo.elements, [sample("brevo")], BREVO),
        (mailgun.elements, [sample("mailgun")], [("email_clicked", "mika", None)]),
    ],
    ids=["sendgrid", "postmark", "ses", "brevo", "brevo-batch", "mailgun"],
)
def test_the_sample_becomes_valid_events(read: Read, documents: list[Any], expected: list[Any]) -> None:
    adapted = told(read, *documents)
    assert brief(adapted) == expected
    for event in adapted.events:
        assert not isinstance(validate(dict(event)), Rejected)
        assert event["source_kind"] == "mail"
        assert event["source"] == "mailer"
    clicked = next(event for event in adapted.events if event["type"] == "email_clicked")
    assert clicked["link_url"] == "https://www.example.com/pricing"
    assert clicked["message_id"]


def test_all_events_of_one_mail_have_its_message_id() -> None:
    for read, documents in ((sendgrid.elements, [sample("sendgrid")]), (postmark.elements, sample("postmark"))):
        adapted = told(read, *documents)
        ids = {event["message_id"] for event in adapted.events if event["email"] == "mika@firm.example"}
        assert len(ids) == 1


def test_the_campaign_comes_along() -> None:
    assert told(sendgrid.elements, sample("sendgrid")).events[0]["campaign"] == "autumn-2026"
    assert told(mailgun.elements, sample("mailgun")).events[0]["campaign"] == "autumn-2026"
    assert told(ses.elements, *sample("ses")[:2]).events[0]["campaign"] == "autumn-2026"
    assert told(brevo.elements, sample("brevo")[-1]).events[0]["campaign"] == "Autumn 2026"


def test_a_repeat_has_the_same_id_and_another_event_another() -> None:
    for read, documents in (
        (sendgrid.elements, [sample("sendgrid")]),
        (postmark.elements, sample("postmark")),
        (ses.elements, sample("ses")),
        (mailgun.elements, [sample("mailgun")]),
    ):
        ids = [event["event_id"] for event in told(read, *documents).events]
        assert ids == [event["event_id"] for event in told(read, *documents).events]
        assert len(set(ids)) == len(ids)


def test_brevo_tells_a_first_open_twice_and_it_is_one_event() -> None:
    opens = [event["event_id"] for event in told(brevo.elements, *sample("brevo")[2:4]).events]
    assert len(opens) == 2
    assert len(set(opens)) == 1


def test_mailgun_says_that_a_bot_clicked() -> None:
    for bot in ("apple", "gmail", "generic"):
        document = sample("mailgun")
        document["event-data"]["client-info"]["bot"] = bot
        event = told(mailgun.elements, document).events[0]
        assert (event["is_machine"], event["machine_reason"]) == (True, "provider_flag")


@pytest.mark.parametrize(("severity", "expected"), [("permanent", "hard"), ("temporary", "soft")])
def test_a_failed_mail_is_a_bounce(severity: str, expected: str) -> None:
    document = sample("mailgun")
    document["event-data"] |= {"event": "failed", "severity": severity}
    assert told(mailgun.elements, document).events[0]["bounce_type"] == expected


@pytest.mark.parametrize(
    ("kind", "agent", "reason"),
    [
        ("open", "Mozilla/5.0", "mail_privacy_proxy"),
        (
            "open",
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            None,
        ),
        ("open", "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", None),
        ("open", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15", None),
        ("click", "Mozilla/5.0", None),
        ("click", "Mozilla/5.0 (compatible; BarracudaCentral)", "link_scanner"),
        ("click", "python-requests/2.32", "link_scanner"),
        (
            "click",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "crawler_user_agent",
        ),
        ("click", "", None),
        ("delivered", "curl/8.0", None),
    ],
)
def test_user_agents_give_machines_away(kind: str, agent: str, reason: str | None) -> None:
    one = {
        "email": "a@firm.example",
        "timestamp": 1793584800,
        "event": kind,
        "useragent": agent,
        "sg_event_id": "1",
    }
    event = told(sendgrid.elements, [one]).events[0]
    assert event.get("machine_reason") == reason
    assert event.get("is_machine", False) == (reason is not None)
    assert "useragent" not in json.dumps(event)


def test_who_of_several_recipients_opened_is_not_known_and_nobody_is_credited() -> None:
    to_two = [document for document in sample("ses") if document["mail"]["messageId"] == "EXAMPLE-to-two"]
    assert told(ses.elements, *to_two).events == []


def test_what_cannot_be_used_is_a_dead_letter_and_spoils_nothing() -> None:
    good = sample("sendgrid")[1]
    elements = [good, {**good, "email": "nobody"}, {**good, "timestamp": "soon"}, 7, {**good, "timestamp": 4e9}]
    found = sendgrid.elements(json.dumps(elements).encode())
    assert not isinstance(found, Rejected)
    adapted = adapt_mail(found, "mailer", Recollection(), NOW)
    assert len(adapted.events) == 1
    assert [dead.reason for dead in adapted.dead] == ["missing_identity", "bad_field", "bad_json", "future"]
    assert json.loads(adapted.dead[0].raw)["email"] == "nobody"


@pytest.mark.parametrize("read", [sendgrid.elements, mailgun.elements, postmark.elements, ses.elements])
def test_a_body_that_is_no_json_is_refused(read: Read) -> None:
    assert isinstance(read(b"\xff"), Rejected)
    assert isinstance(read(b"not json"), Rejected)


def test_a_suppression_that_we_made_ourselves_is_nobodys_wish() -> None:
    ours = [document for document in sample("postmark") if document.get("Origin") == "Customer"]
    assert told(postmark.elements, *ours).events == []
