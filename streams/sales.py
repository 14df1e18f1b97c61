"""Giving out what is for sales: one CloudEvent for a transition that hands a lead over, or tells news of one."""

from streams import handoff
from streams.account_agent import AccountAgent
from streams.identity.keys import partition_of
from streams.outbox import Outbox
from streams.scoring.model import Model
from streams.transition import Transition
from streams.update import update


class Sales:
    """Owes the events for sales: of a partition's people without a company, and of its accounts."""

    def __init__(self, outbox: Outbox, agent: AccountAgent, partitions: int, lead_url: str | None) -> None:
        self._outbox = outbox
        self._agent = agent
        self._partitions = partitions
        self._lead_url = lead_url

    def give_out(self, told: Transition, model: Model, account: str | None = None) -> bool:
        """Whether the transition was a handoff that is given out now; `account`: the company's, if it has one."""
        mode, language = model.source.handoff.mode, model.source.language
        if mode == "off":
            return False
        known: dict[str, object] | None = None
        if account is not None and told.handoff_id is not None:
            found = self._agent.hand_over(account, told, mode)
            if found is None:
                return False
            known = handoff.colleagues(found, language, model.source.timezone)
        pipeline = model.pipeline
        made = handoff.handoff(told, pipeline, self._lead_url, known) or update(told, pipeline, language)
        if made is not None:
            partition = partition_of(told.lead_key, self._partitions)
            self._outbox.owe(handoff.record(made, told.traceparent, mode, partition))
            self._outbox.hurry()
        return made is not None and told.handoff_id is not None
