"""From a mail provider's request to events: who vouches for it, what it says, and whether a person did it."""

from collections.abc import Sequence

from schemas.dead_letter import Reason, Rejected
from schemas.event import FUTURE_MS
from streams.collector.hooks import sns
from streams.collector.hooks.amazon import Amazon
from streams.collector.hooks.machine import by_agent
from streams.collector.hooks.mail import DELIVERED, MailEvent, Retraction, document, retraction
from streams.collector.hooks.provider import Elements, Provider
from streams.collector.hooks.recollection import Recollection
from streams.collector.hooks.ses import elements as ses_elements
from streams.collector.hooks.settings import Hook
from streams.collector.hooks.signature import timely
from streams.collector.request import (
    ACCEPTED,
    Adapted,
    Answer,
    DeadMessage,
    Event,
    Refusal,
    RequestParts,
    Source,
    SourceKind,
)

UNAUTHENTIC = Refusal(401, "unauthorized", "the signature or token is missing, wrong or too old")
NOT_YET = Refusal(503, "certificate_pending", "the signature cannot be checked yet")

_FUTURE = Rejected(Reason.FUTURE, "the event is dated more than an hour after its arrival")


class MailAdapter:
    """A provider whose requests vouch for themselves.

    What is not about a recipient is passed over. What cannot be used, though the provider said it, becomes a dead
    letter: the provider would repeat a refused request for hours.
    """

    def __init__(self, provider: Provider, hooks: Sequence[Hook], recollection: Recollection) -> None:
        self._provider = provider
        self._hooks = [(hook.name, hook.revealed()) for hook in hooks]
        self._recollection = recollection

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        """The events of the request."""
        source = self._source(parts, received_at)
        if source is None:
            return UNAUTHENTIC
        found = self._provider.elements(parts.body)
        if isinstance(found, Rejected):
            return Refusal(400, *found)
        return adapt_mail(found, source, self._recollection, received_at)

    def _source(self, parts: RequestParts, received_at: int) -> str | None:
        authentic = self._provider.authentic
        return next((name for name, secrets in self._hooks if authentic(parts, secrets, received_at)), None)


class SesAdapter:
    """Amazon SES through SNS: a message counts if its topic is ours and Amazon signed it."""

    def __init__(self, hooks: Sequence[Hook], recollection: Recollection, amazon: Amazon) -> None:
        self._topics = {topic: hook.name for hook in hooks for topic in hook.revealed()}
        self._recollection = recollection
        self._amazon = amazon

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal | Answer:
        """The events of a notification; a subscription to one of our topics is confirmed."""
        envelope = sns.parse(parts.body)
        if isinstance(envelope, Rejected):
            return Refusal(400, *envelope)
        refusal = self._refusal(envelope, received_at)
        if refusal is not None:
            return refusal
        if envelope.type != sns.NOTIFICATION:
            if envelope.type == sns.CONFIRMATION:
                self._amazon.confirm(envelope.subscribe_url)
            return ACCEPTED
        message = envelope.message.encode(errors="replace")
        found = ses_elements(message)
        if isinstance(found, Rejected):  # a greeting of SES when the topic is set up, or somebody's test
            found = [(message, [found])]
        return adapt_mail(found, self._topics[envelope.topic], self._recollection, received_at)

    def _refusal(self, envelope: sns.Envelope, received_at: int) -> Refusal | None:
        late = not timely(envelope.at, received_at, sns.TOLERANCE_MS)
        if envelope.topic not in self._topics or late or not sns.is_amazons(envelope):
            return UNAUTHENTIC
        certificate = self._amazon.certificate(envelope.certificate_url)
        if certificate is None:
            return NOT_YET
        return None if sns.is_signed(envelope, certificate, received_at) else UNAUTHENTIC


def adapt_mail(found: Elements, source: str, recollection: Recollection, received_at: int) -> Adapted:
    """Events with their verdicts. Of one request deliveries come first, for what they say of the clicks."""
    usable: list[MailEvent] = []
    dead: list[DeadMessage] = []
    for raw, events in found:
        for event in events:
            if isinstance(event, MailEvent) and event.at > received_at + FUTURE_MS:
                event = _FUTURE
            if isinstance(event, Rejected):
                dead.append(DeadMessage(event.reason, event.detail, raw))
            else:
                usable.append(event)
    told: list[Event] = []
    for event in sorted(usable, key=lambda one: one.type != DELIVERED):
        flagged = event._replace(machine=event.machine or by_agent(event.type, event.user_agent))
        told += [_document(one) for one in recollection.judge(source, flagged, received_at)]
    return Adapted(Source(source, SourceKind.MAIL), told, dead)


def _document(told: MailEvent | Retraction) -> Event:
    return retraction(told) if isinstance(told, Retraction) else document(told)
