"""Every topic of a pipeline: its name, who fills it, and how Kafka must keep it."""

from dataclasses import dataclass, field
from typing import Final

WEB_VISITS: Final = "web-visits"
EMAIL_ENGAGEMENT: Final = "email-engagement"
FORM_SUBMISSIONS: Final = "form-submissions"
LEAD_ACTIVITIES: Final = "lead-activities"
SALES_FEEDBACK: Final = "sales-feedback"
LEAD_FORWARDS: Final = "lead-forwards"
LEAD_ORDER: Final = "lead-order"
LEAD_MODELS: Final = "lead-models"
LEAD_SCORES: Final = "lead-scores-changelog"
LEAD_TRANSITIONS: Final = "lead-transitions"
ACCOUNT_ACTIVITIES: Final = "account-activities"
SALES_HANDOFFS: Final = "sales-handoffs"
SALES_HANDOFFS_SHADOW: Final = "sales-handoffs-shadow"
DEAD_LETTERS: Final = "dead-letters"
LEAD_FORWARDS_SHADOW: Final = "lead-forwards-shadow"
LEAD_ORDER_SHADOW: Final = "lead-order-shadow"
LEAD_SCORES_SHADOW: Final = "lead-scores-shadow-changelog"
LEAD_TRANSITIONS_SHADOW: Final = "lead-transitions-shadow"

INPUTS: Final = (WEB_VISITS, EMAIL_ENGAGEMENT, FORM_SUBMISSIONS, LEAD_ACTIVITIES, SALES_FEEDBACK)
"""What the outside writes: JSON events."""

SCORED: Final = (*INPUTS, LEAD_FORWARDS)
"""What the scoring agents read; partition N of all of them has one owner."""

SOURCES: Final = (*SCORED, LEAD_TRANSITIONS, ACCOUNT_ACTIVITIES)
"""All that a worker reads: what is scored, the transitions that the handoff agent turns into handoffs, and what
the account agent is told of companies."""

DAY_MS: Final = 86_400_000
PERSONAL_DATA_KEPT_MS: Final = 90 * DAY_MS
"""At least so long; longer where the model's longest window plus its longest cool-down asks for more."""

MAX_EVENT_BYTES: Final = 1_048_588
"""Kafka's own default for `max.message.bytes`."""

MAX_STATE_BYTES: Final = 4 << 20
"""A lead's whole record: 20 attributes in 6 versions of 4,000 characters of 4 bytes, and as much again. It goes to
the changelog, into a merge with another lead and, in part, into a transition. A forwarded event fits too, which is
the event and where it came from: the largest event must not stop the partition that received it."""

DEAD_LETTER_HEADROOM: Final = 65_536
"""A dead letter is the refused record plus headers that tell why: it must fit where the record did."""


@dataclass(frozen=True)
class Topic:
    """One topic and the settings that `topics create` gives it and `topics check` compares."""

    name: str
    carries: str
    config: dict[str, str] = field(default_factory=dict)
    single_partition: bool = False


_EVENTS = {
    "retention.ms": str(PERSONAL_DATA_KEPT_MS),
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(MAX_EVENT_BYTES),
}
_FORWARDS = {**_EVENTS, "max.message.bytes": str(MAX_STATE_BYTES)}
_OUTPUT = {"retention.ms": str(PERSONAL_DATA_KEPT_MS)}
# Restore time follows the number of leads, not their history: compact early and often.
_COMPACTED = {
    "cleanup.policy": "compact",
    "max.message.bytes": str(MAX_STATE_BYTES),
    "segment.bytes": str(64 * 1024 * 1024),
    "min.cleanable.dirty.ratio": "0.1",
    "max.compaction.lag.ms": str(10 * 60_000),
}

ALL: Final = (
    Topic(WEB_VISITS, "page views, downloads, clicks, custom events", _EVENTS),
    Topic(EMAIL_ENGAGEMENT, "deliveries, opens, clicks, bounces, subscriptions", _EVENTS),
    Topic(FORM_SUBMISSIONS, "form submissions", _EVENTS),
    Topic(LEAD_ACTIVITIES, "identification, webinars, events, social, contacts with sales", _EVENTS),
    Topic(SALES_FEEDBACK, "what sales did with a handoff, relationships, erasure", _EVENTS),
    Topic(LEAD_FORWARDS, "events and merges for another partition, ticks, model markers", _FORWARDS),
    Topic(LEAD_ORDER, "the order in which a partition's records were applied", _OUTPUT),
    Topic(LEAD_MODELS, "every scoring model ever active", {"cleanup.policy": "compact"}, single_partition=True),
    Topic(LEAD_SCORES, "the score table and each partition's progress", _COMPACTED),
    Topic(
        LEAD_TRANSITIONS,
        "every change of stage with its reasons",
        {**_OUTPUT, "max.message.bytes": str(MAX_STATE_BYTES)},
    ),
    Topic(ACCOUNT_ACTIVITIES, "who is active in a company, and what goes to sales about its people", _FORWARDS),
    Topic(SALES_HANDOFFS, "one CloudEvent when a lead becomes sales-qualified", _OUTPUT),
    Topic(SALES_HANDOFFS_SHADOW, "what would have been handed over in shadow mode", _OUTPUT),
    Topic(
        DEAD_LETTERS,
        "what was refused: the raw bytes, and why",
        {**_OUTPUT, "max.message.bytes": str(MAX_STATE_BYTES + DEAD_LETTER_HEADROOM)},
    ),
)

SHADOW: Final = (
    Topic(LEAD_FORWARDS_SHADOW, "as lead-forwards, of a shadow model", _FORWARDS),
    Topic(LEAD_ORDER_SHADOW, "as lead-order, of a shadow model", _OUTPUT),
    Topic(LEAD_SCORES_SHADOW, "the score table under a shadow model", _COMPACTED),
    Topic(
        LEAD_TRANSITIONS_SHADOW,
        "every change of stage that a shadow model would have made",
        {**_OUTPUT, "max.message.bytes": str(MAX_STATE_BYTES)},
    ),
)
"""What a shadow model has of its own; `leadstreams shadow` creates them."""
