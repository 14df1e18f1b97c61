"""Which model a partition judges by: the first one, and those that were published since, in the log's order."""

from collections.abc import Sequence

from streams import model_document, progress
from streams.changes import Record, Refused
from streams.identity import forward
from streams.model_document import Document, InForce
from streams.scoring.model import Model


class ModelLife:
    """The model in force in one partition, and the records by which its next owner goes on under it."""

    def __init__(self, first: Model) -> None:
        self.model = first
        self.unfit: str | None = None
        begun = InForce(model_document.document(first), first.since)
        self._found: dict[bytes, bytes] = {}
        self._unwritten: dict[bytes, bytes | None] = {progress.FIRST: model_document.encode(begun)}

    def restore(self, key: bytes, value: bytes) -> None:
        """One of the partition's own records, as found in the changelog."""
        self._found[key] = value

    def restored(self) -> Refused | None:
        """Go on under the model that was in force: the settings name only the one to begin with."""
        if progress.FIRST in self._found:
            self._unwritten = {}
        value = self._found.get(progress.MODEL) or self._found.get(progress.FIRST)
        if value is None:
            return None
        model = restored(value, self.model.pipeline)
        if isinstance(model, Refused):
            return model
        self.model = model
        return None

    def examine(self, records: Sequence[Record]) -> None:
        """Whether this version can run every model that is activated in a batch of forwards.

        If not, nothing more may be applied here, of any topic: another version goes on from the model's place in
        the log, and nobody judges what follows by the model before. `unfit` says why, for good.
        """
        for record in records:
            if self.unfit is None and record.key == forward.MODEL_KEY:
                message = forward.decode(record.value)
                if isinstance(message, forward.ModelActivated):
                    found = model_document.compiled(message.document, self.model.pipeline, record.timestamp)
                    self.unfit = found.message if isinstance(found, Refused) else None

    def activate(self, document: Document, at: int) -> Model | None:
        """Judge by a model that was examined, from the instant `at` on; None if it is in force already."""
        if document.hash == self.model.hash:
            return None
        in_force = InForce(document, max(at, self.model.since))
        model = model_document.compiled(document, self.model.pipeline, in_force.since)
        assert isinstance(model, Model), "asked before the batch was applied"
        self.model = model
        self._unwritten[progress.MODEL] = model_document.encode(in_force)
        return model

    def take(self) -> list[tuple[bytes, bytes | None]]:
        """The partition's own records as far as they are news."""
        taken, self._unwritten = list(self._unwritten.items()), {}
        return taken


def restored(value: bytes, pipeline: str) -> Model | Refused:
    """The model of a partition's own record."""
    in_force = model_document.decode(value)
    if isinstance(in_force, Refused):
        return in_force
    return model_document.compiled(in_force.document, pipeline, in_force.since)
