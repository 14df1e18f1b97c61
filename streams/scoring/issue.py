"""By which company's account each handoff of a lead went out: what follows it goes the same way, in its order."""

from msgspec.structs import replace

from streams.scoring.lead import Lead


def issued_by(lead: Lead, account: str) -> None:
    """Note which account gives out the lead's newest handoff."""
    lead.issued = (*lead.issued[:-1], replace(lead.issued[-1], account=account))


def account_of(lead: Lead, handoff: str) -> str:
    """The account that gave out a handoff, empty if none did."""
    known = {other: fact.account for fact in lead.merged for other in fact.open}
    known |= {issued.handoff: issued.account for issued in lead.issued}
    return known.get(handoff, "")


def newest(lead: Lead) -> dict[str, str]:
    """The person's newest handoffs that accounts gave out, also those of other keys, and by which one."""
    found = {fact.open[-1]: fact.account for fact in lead.merged if fact.open}
    if lead.issued:
        found[lead.issued[-1].handoff] = lead.issued[-1].account
    return {handoff: account for handoff, account in found.items() if account}
