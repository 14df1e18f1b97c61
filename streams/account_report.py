"""What a partition tells the accounts of its leads: who is active, where handoffs stand, who must be forgotten."""

from functools import lru_cache
from typing import Final

from streams import account_message as message
from streams import topics
from streams.account_record import person
from streams.changes import Effect
from streams.follow_up.account import account_key
from streams.identity.keys import partition_of
from streams.outbox import Outbox
from streams.scoring import issue
from streams.scoring.attribute import value_at
from streams.scoring.event import Event
from streams.scoring.instant import DAY, NEVER, milliseconds
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.scoring.standing import Standing
from streams.transition import STAGE_CHANGED, Transition, encode, text_of

ACTS: Final = frozenset(
    {
        *("page_viewed", "content_downloaded", "link_clicked", "form_submitted", "email_clicked"),
        *("webinar_registered", "webinar_attended", "event_attended", "social_engaged"),
    }
)
"""Events by which somebody is active, unless a machine did it."""
MOST_ACCOUNTS: Final = 24
"""Companies remembered of one person, the newest."""
REMEMBERED: Final = 16_384

_key = lru_cache(REMEMBERED)(account_key)
_partition_of = lru_cache(REMEMBERED)(partition_of)


class Reports:
    """Owes messages to the accounts of one partition's leads. A lead's record says what it told them."""

    def __init__(self, outbox: Outbox, partitions: int) -> None:
        self._outbox = outbox
        self._partitions = partitions

    def act(self, key: str, lead: Lead, event: Event, model: Model) -> None:
        """After an event on a new day, or one that may tell where the lead works: the company is told once a day.

        The record has to be written afterwards.
        """
        human = event.type in ACTS and not event.is_machine
        news = human and event.at >= lead.present
        if news:
            lead.present = (event.at // DAY + 1) * DAY
        if lead.present == NEVER:
            return
        before = lead.accounts[-1] if lead.accounts else None
        # Without another word of the company it is the one that it was.
        account = before if before and event.company_domain is None else _account(key, lead, model)
        if account is None or not (news or account != before):
            return
        if account != before:
            lead.accounts = (*(known for known in lead.accounts if known != account), account)[-MOST_ACCOUNTS:]
            if before is not None:
                self._send(before, message.Gone(person(key)), key)
        self._send(account, message.Active(person(key), lead.present // DAY - 1), key)

    def merged(self, key: str, lead: Lead, other: Lead, source: str) -> None:
        """Another record turned out to be this lead: to the companies that knew it they are one."""
        told = _told(other)
        for account in told:
            self._send(account, message.Moved(source, key), key)
        gained = [account for account in told if account not in lead.accounts]
        lead.accounts = (*gained, *lead.accounts)[-MOST_ACCOUNTS:]

    def forget(self, key: str, lead: Lead | None) -> None:
        """A person's data must go: from the companies too that were told of it."""
        for account in _told(lead) if lead is not None else ():
            self._send(account, message.Erased(key), None)

    def tell(self, key: str, lead: Lead, told: Transition) -> None:
        """A transition: what is for sales goes there by the account; of the rest it hears how handoffs stand."""
        if told.account is not None:
            self._send(told.account, message.Told(encode(told)), key)
        elif told.type == STAGE_CHANGED and (lead.issued or lead.merged):
            at = milliseconds(told.occurred_at)
            owner = text_of(value_at(lead, "owner", *lead.position))
            for handoff, account in issue.newest(lead).items():
                self._send(account, message.Stands(handoff, told.to_stage, at, owner), key)

    def _send(self, account: str, said: message.Message, lead: str | None) -> None:
        partition = _partition_of(account, self._partitions)
        value = message.encode(said)
        self._outbox.owe(Effect(topics.ACCOUNT_ACTIVITIES, partition, account.encode(), value, (), lead))


def _told(lead: Lead) -> list[str]:
    """The accounts that keep something of this person."""
    gave_out = (*(issued.account for issued in lead.issued), *(fact.account for fact in lead.merged))
    return [account for account in dict.fromkeys((*lead.accounts, *gave_out)) if account]


def _account(key: str, lead: Lead, model: Model) -> str | None:
    """The account that the lead belongs to by now. A mailbox of many is nobody."""
    if not lead.emails and "company_domain" not in lead.attributes:
        return None
    standing = Standing(lead, model, *lead.position, lead.state, key)
    if standing.mail is not None and standing.mail.role:
        return None
    domain = standing.domain
    return None if domain is None else _key(domain)
