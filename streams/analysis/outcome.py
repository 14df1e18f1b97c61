"""What became of a handoff, as far as sales said.

Answers are attached by person, not by handoff id: the ids of one run say nothing under another model. A person's
answers in order of time make episodes; one ends with a rejection, a lost or won deal or a disqualification. A
handoff has the outcome of the first episode that was not over when it happened and began at most ANSWERED_WITHIN
after it. One without any such episode was left unanswered if the person really was handed over in the run that
the log is of, and nobody knows what would have become of it if not.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from streams.analysis.trial import Answer
from streams.scoring.instant import DAY

ACCEPTED, MEETING, OPPORTUNITY, WON = 1, 2, 3, 4
LEVELS: Final = {"accepted": ACCEPTED, "meeting": MEETING, "opportunity": OPPORTUNITY, "won": WON}
"""How far a handoff came. A later step implies the earlier ones."""
REACHED: Final = {
    "handoff_accepted": ACCEPTED,
    "contacted": ACCEPTED,
    "meeting_booked": MEETING,
    "opportunity_created": OPPORTUNITY,
    "deal_won": WON,
}
ENDED: Final = frozenset({"handoff_rejected", "deal_lost", "lead_disqualified", "deal_won"})
UNANSWERED: Final = "unanswered"
UNKNOWN: Final = "unknown"

ANSWERED_WITHIN: Final = 90 * DAY
"""An answer later than this is about something else."""
PATIENCE: Final = 14 * DAY
"""Ten business days: a handoff without an answer for so long counts as left unanswered."""


class Episode(NamedTuple):
    """One round with sales: instants in Unix ms, `end` None while it goes on; `why` it was given back."""

    start: int
    end: int | None
    level: int
    why: str | None
    answers: tuple[Answer, ...]

    def when(self, kinds: Iterable[str]) -> int | None:
        """When the first of these was said."""
        return min((answer.at for answer in self.answers if answer.kind in kinds), default=None)


class Outcome(NamedTuple):
    """How far a handoff came, and whether it can still come further; `word` for people."""

    word: str
    level: int
    final: bool
    why: str | None = None
    episode: Episode | None = None

    def reached(self, level: int) -> bool | None:
        """Whether it came so far; None if nobody knows (yet)."""
        if self.level >= level:
            return True
        return False if self.final else None


def episodes(answers: Iterable[Answer]) -> dict[str, list[Episode]]:
    """The rounds of each person, in order."""
    found: dict[str, list[Episode]] = defaultdict(list)
    running: dict[str, list[Answer]] = defaultdict(list)
    for answer in sorted(answers, key=lambda a: (a.at, a.event_id)):
        if answer.kind not in REACHED and answer.kind not in ENDED:
            continue
        running[answer.person].append(answer)
        if answer.kind in ENDED:
            found[answer.person].append(_episode(running.pop(answer.person), answer))
    for person, rest in running.items():
        found[person].append(_episode(rest, None))
    return found


def _episode(answers: list[Answer], last: Answer | None) -> Episode:
    level = max(REACHED.get(answer.kind, 0) for answer in answers)
    why = None if last is None or last.kind == "deal_won" else (last.reason or last.kind)
    return Episode(answers[0].at, None if last is None else last.at, level, why, tuple(answers))


def outcome(at: int, rounds: list[Episode], handed: Iterable[int], end: int) -> Outcome:
    """The outcome of a handoff; `handed`: when the person really was handed over, `end` of the log."""
    for episode in rounds:
        if (episode.end is None or episode.end >= at) and episode.start <= at + ANSWERED_WITHIN:
            return _of(episode)
    really = [instant for instant in handed if abs(instant - at) <= ANSWERED_WITHIN]
    if really and max(really) + PATIENCE <= end:
        return Outcome(UNANSWERED, 0, True)
    return Outcome(UNKNOWN, 0, False)


def _of(episode: Episode) -> Outcome:
    word = next((name for name, level in reversed(LEVELS.items()) if level == episode.level), "rejected")
    return Outcome(word, episode.level, episode.end is not None, episode.why, episode)
