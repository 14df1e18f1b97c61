"""What became of one event at its receiver. Texts name codes and fields of the receiver and never hold a value."""

from typing import NamedTuple


class Delivered(NamedTuple):
    """The receiver has it, or had it already. `note` says what was done where that is not obvious."""

    note: str = ""


class Refused(NamedTuple):
    """The receiver will never take this event: a dead letter."""

    detail: str


class Postponed(NamedTuple):
    """Not now. `everyone`: the receiver as a whole cannot be used; `after_s` is how long it asked us to wait.

    `operator`: it will not pass by itself (credentials, a missing field): somebody has to act.
    """

    detail: str
    after_s: float | None = None
    everyone: bool = False
    operator: bool = False


Outcome = Delivered | Refused | Postponed
