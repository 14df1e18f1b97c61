"""A scoring model as it travels: its canonical form, compressed, under its hash; and as a partition remembers it.

Whoever reads the document has the whole model, lists and all: nobody has to fetch anything to run it.
"""

import zlib
from dataclasses import replace
from functools import lru_cache
from typing import Final

import msgspec
from pydantic import ValidationError

from schemas.fault import ModelFault
from schemas.model import ScoringModel
from schemas.part import CANONICAL
from streams.changes import Refused
from streams.scoring.model import Model, canonical, compile_model

FORMAT: Final = b"\x01"
MOST_BYTES: Final = 64 << 20
"""Of a document when it is unpacked: far more than fits into a record, and no bomb."""
KEPT: Final = 8
"""Compiled models kept by a process: all its partitions share them."""


class Document(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A model: its identity, what people call it, and its canonical form in zlib."""

    hash: str
    name: str
    version: str
    content: bytes

    @property
    def words(self) -> str:
        return f"{self.name} {self.version} ({self.hash})"


class InForce(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The model that a partition judges by, and since when (Unix ms; 0: from the first event on)."""

    document: Document
    since: int


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(InForce)


def document(model: Model) -> Document:
    """The document of a model; the same bytes for the same model."""
    source = model.source
    return Document(model.hash, source.name, source.version, _packed(model.hash, model.source))


_packs: Final[dict[str, bytes]] = {}


def _packed(name: str, source: ScoringModel) -> bytes:
    if name not in _packs:
        if len(_packs) >= KEPT:
            _packs.clear()
        _packs[name] = zlib.compress(canonical(source), 9)
    return _packs[name]


def unpacked(found: Document) -> bytes | None:
    """The canonical form; None if the content is damaged or too large."""
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(found.content, MOST_BYTES)
    except zlib.error:
        return None
    return content if unpacking.eof else None


def compiled(found: Document, pipeline: str, since: int) -> Model | Refused:
    """The runnable model of a document, or why this version of the program cannot run it: one line."""
    model = _compiled(found, pipeline)
    return model if isinstance(model, Refused) else replace(model, since=since)


@lru_cache(maxsize=KEPT)
def _compiled(found: Document, pipeline: str) -> Model | Refused:
    content = unpacked(found)
    if content is None:
        return Refused(f"model {found.words} is damaged: publish it again (runbook: models)")
    try:
        model = compile_model(ScoringModel.model_validate_json(content, context=CANONICAL), pipeline)
    except ValidationError as error:
        return _unknown(found, _first(error))
    except ModelFault as error:
        return _unknown(found, f"{'.'.join(map(str, error.path))}: {error}")
    if model.hash != found.hash:
        return _unknown(found, f"it reads it as {model.hash}")
    return model


def _first(error: ValidationError) -> str:
    """The first fault and its place; never a value, since lists may hold names."""
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'model'}: {fault['msg']}"


def _unknown(found: Document, why: str) -> Refused:
    return Refused(
        f"model {found.words} cannot be run by this version of the program ({why}): upgrade this worker "
        "(runbook: models)"
    )


def encode(in_force: InForce) -> bytes:
    """A partition's own record of its model."""
    return FORMAT + _encoder.encode(in_force)


def decode(value: bytes) -> InForce | Refused:
    """The record, or why this version cannot go on from it."""
    if value[:1] != FORMAT:
        return Refused(f"its model is written in format {value[:1].hex()}: upgrade this worker (runbook: formats)")
    return _decoder.decode(memoryview(value)[1:])
