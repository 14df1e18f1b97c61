"""From settings to the terms that all partitions of a pipeline agree on."""

import logging

from streams import model_file
from streams.changes import Refused
from streams.lane.lane import MakePartition
from streams.settings import Settings
from streams.shard import Shard, Terms
from streams.yaml_file import Fault

log = logging.getLogger(__name__)


class Unusable(Exception):
    """The settings do not make a pipeline: one line that says why and what to do."""


def terms(settings: Settings) -> Terms:
    """The terms under these settings. Raises Unusable."""
    secret = settings.require_secret()
    if isinstance(secret, str):
        raise Unusable(secret)
    model = model_file.load(settings.model, settings.pipeline)
    if isinstance(model, list):
        raise Unusable(_faults(model))
    return Terms(
        model=model,
        secret=secret,
        exactly_once=settings.delivery == "exactly-once",
        reject_share=settings.reject_share,
        lead_url=settings.lead_url,
    )


class _Speaking(Shard):
    """A partition that says when the setting's model is not the one in force."""

    def restored(self) -> Refused | None:
        refused = super().restored()
        if refused is None and self.model.hash != self.terms.model.hash:
            log.warning(
                "partition %s: model %s is in force; LEADSTREAMS_MODEL (%s) names only what new topics begin with:"
                " leadstreams model publish changes it",
                self.number,
                self.model.hash,
                self.terms.model.hash,
            )
        return refused


def maker(agreed: Terms) -> MakePartition:
    """What makes the pure partition of a number."""
    return lambda number, partitions: _Speaking(number, partitions, agreed)


def _faults(faults: list[Fault]) -> str:
    more = f" (and {len(faults) - 1} more: leadstreams model check)" if len(faults) > 1 else ""
    return f"{faults[0]}{more}"
