"""Secrets: a configuration file names them, and they are read from the environment or a file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

LONGEST: Final = 65_536


class Missing(Exception):
    """A secret is not where the configuration says. One line that names the place, never a value."""


class SecretSource(BaseModel):
    """Where a secret is: `{env: NAME}` or `{file: /run/secrets/name}`. The value itself is not taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_not_given(cls, given: Any) -> Any:
        if not isinstance(given, dict):  # said without the value, which may well be the secret
            raise ValueError("expected {env: NAME} or {file: PATH}: secrets do not stand in this file")
        return given

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("expected either env or file: secrets do not stand in this file")
        return self

    def read(self, environment: Mapping[str, str] = os.environ) -> SecretStr:
        """The secret, masked in every printed form. Raises Missing."""
        text = _of_file(self.file) if self.file is not None else environment.get(self.env or "", "").strip()
        if not text:
            place = f"the variable {self.env}" if self.env else f"the file {self.file}"
            raise Missing(f"{place} is empty or not there")
        if any(ord(c) < 32 for c in text) and "PRIVATE KEY" not in text:
            raise Missing(f"the secret in {self.env or self.file} holds line breaks or control characters")
        return SecretStr(text)


def _of_file(path: Path) -> str:
    try:
        with path.open() as file:
            return file.read(LONGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Missing(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not text'}") from None
