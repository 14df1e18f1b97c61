"""The account agent: keeps what is known of each company's people, and gives out what is for sales about them.

All that concerns one company goes through one partition, in one order: so the second handoff of a company names
the first, whichever partitions its people live on.
"""

from typing import NamedTuple

from msgspec.structs import replace

from streams import account_message as message
from streams.account_record import Account, Handed, bounded, forgotten, newest, person
from streams.scoring.instant import DAY, milliseconds
from streams.table import Table
from streams.transition import Transition, name_of, text_of


class Colleagues(NamedTuple):
    """What sales should know of a lead's company: how many others were active, and who was handed over before."""

    active: int
    handed: list[Handed]


class AccountAgent:
    """The accounts whose keys live on one partition."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def note(self, key: str, said: message.Message) -> None:
        """Take what is said of the company's people; said again it changes nothing."""
        account = self._table.open_account(key)
        if _take(account, said):
            self._table.touch(key)

    def hand_over(self, key: str, told: Transition, mode: str) -> Colleagues | None:
        """A handoff of this company: who was there before it. None if it was given out already."""
        account = self._table.open_account(key)
        if any(one.handoff == told.handoff_id for one in account.handed):
            return None
        at = milliseconds(told.occurred_at)
        found = Colleagues(account.active(at // DAY, person(told.lead_key)), account.others(told.lead_key, mode))
        account.handed = newest([*account.handed, _handed(told, at, mode)])
        self._table.touch(key)
        return found


def _handed(told: Transition, at: int, mode: str) -> Handed:
    owner = text_of(told.sales.get("account_owner")) or text_of(told.sales.get("owner_queue"))
    title = text_of(told.lead.get("title"))
    return Handed(told.handoff_id or "", told.lead_key, name_of(told), title, at, owner, told.to_stage, at, mode)


def _take(account: Account, said: message.Message) -> bool:
    """Whether it was news."""
    before = dict(account.people), account.handed
    match said:
        case message.Active():
            account.people[said.person] = max(said.day, account.people.get(said.person, 0))
        case message.Gone():
            account.people.pop(said.person, None)
        case message.Moved():
            last = account.people.pop(person(said.before), 0)
            if last:
                after = person(said.after)
                account.people[after] = max(last, account.people.get(after, 0))
            account.handed = tuple(
                replace(one, lead=said.after) if one.lead == said.before else one for one in account.handed
            )
        case message.Erased():
            account.people.pop(person(said.lead), None)
            account.handed = tuple(forgotten(one) if one.lead == said.lead else one for one in account.handed)
        case message.Stands():
            account.handed = tuple(_standing(one, said) for one in account.handed)
    account.people = bounded(account.people)
    return (account.people, account.handed) != before


def _standing(one: Handed, said: message.Stands) -> Handed:
    if one.handoff != said.handoff or said.at < one.since:
        return one
    return replace(one, stage=said.stage, since=said.at, owner=said.owner or one.owner)
