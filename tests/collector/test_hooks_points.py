"""From a webhook to the score: a machine's doings are worth nothing, and points given too soon are taken back."""

from typing import Any

import msgspec

from streams.collector.hooks import postmark
from streams.collector.hooks.mail_adapter import adapt_mail
from streams.collector.hooks.recollection import Recollection
from streams.collector.mapping import topic_of
from streams.collector.records import seal
from streams.local import Local
from tests.collector.hook_samples import at, sample
from tests.facts import points
from tests.laboratory import MODEL, key_of, terms_of

NOW = at("2026-11-01T18:00:00Z")


class Scored:
    """A mailer's webhooks, judged and scored; `published` gives 5 points for each of the newest two opens."""

    def __init__(self) -> None:
        self.recollection = Recollection()
        self.local = Local(terms_of())

    def told(self, **changes: Any) -> float:
        """The score of the recipient after another request."""
        document = {**sample("postmark")[1], **changes}
        found = postmark.elements(msgspec.json.encode(document))
        assert isinstance(found, list)
        adapted = adapt_mail(found, "mailer", self.recollection, NOW)
        seal(adapted, NOW)
        for event in adapted.events:
            self.local.feed(topic_of(str(event["type"])), msgspec.json.encode(event), NOW)
        lead = self.local.find(key_of(email="mika@firm.example"))
        return 0.0 if lead is None else points(lead, MODEL, NOW)


def test_a_persons_open_counts_and_a_machines_does_not() -> None:
    scored = Scored()
    assert scored.told() == 5
    assert scored.told(ReceivedAt="2026-11-01T17:40:00Z", UserAgent="Mozilla/5.0") == 5
    assert scored.told(ReceivedAt="2026-11-01T17:50:00Z") == 10


def test_points_are_taken_back_when_a_scanner_turns_out_to_have_opened() -> None:
    scored = Scored()
    assert scored.told(ReceivedAt="2026-11-01T17:00:01Z") == 5
    assert scored.told(ReceivedAt="2026-11-01T17:50:00Z") == 10
    click = {"RecordType": "Click", "ReceivedAt": "2026-11-01T17:00:02Z", "OriginalLink": "https://firm.example/a"}
    assert scored.told(**click) == 10
    delivery = {"RecordType": "Delivery", "DeliveredAt": "2026-11-01T17:00:00Z"}
    assert scored.told(**delivery) == 5
    assert scored.told(**delivery) == 5


def test_a_repeat_gives_nothing_twice() -> None:
    scored = Scored()
    assert [scored.told() for _ in range(3)] == [5, 5, 5]
