"""Points for the rules, learned from outcomes: small whole numbers with their samples and intervals.

A regularised logistic regression on how much of each rule was alive at the handoff. How strongly it is regularised
is chosen, and whether there is anything to learn is judged, on later handoffs than it was fitted on. What the data
cannot tell apart from nothing keeps its points.
"""

import warnings
from collections.abc import Sequence
from math import sqrt
from typing import Any, Final, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import TimeSeriesSplit
from threadpoolctl import threadpool_limits

from streams.analysis.evidence import Example, matrix
from streams.analysis.interval import FEWEST
from streams.scoring.model import Model

FEWEST_EXAMPLES: Final = 100
FEWEST_OF_A_KIND: Final = 20
"""Good and bad outcomes that are needed each."""
FOLDS: Final = 5
STRENGTHS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse strengths of the regularisation that are tried."""
SURE: Final = 2.576
"""Standard errors by which later handoffs must be told apart better than by chance: 99 %."""
REFITS: Final = 200
MOST_POINTS: Final = 60


class Refusal(NamedTuple):
    """Why nothing is suggested."""

    reason: str


class RulePoints(NamedTuple):
    """One rule: its points now and as suggested, the interval of the latter, and on how many handoffs it counted.
    `told`: the data tell it apart from nothing."""

    rule: str
    now: float
    points: int
    low: float
    high: float
    cases: int
    told: bool


class Suggestion(NamedTuple):
    """Points for all rules that counted often enough. `auc`: how well later handoffs are told apart (0.5 is
    chance), with its 95 % interval, and `now` how well the present points do."""

    examples: int
    good: int
    auc: float
    low: float
    high: float
    now: float
    rules: list[RulePoints]


def suggest(found: Sequence[Example], model: Model, seed: int = 0) -> Suggestion | Refusal:
    """Points from examples in the order of time; the same for the same examples."""
    with threadpool_limits(1):  # so small a matrix is slower on many threads
        return _suggest(found, model, seed)


def _suggest(found: Sequence[Example], model: Model, seed: int) -> Suggestion | Refusal:
    good = sum(example.good for example in found)
    if len(found) < FEWEST_EXAMPLES or min(good, len(found) - good) < FEWEST_OF_A_KIND:
        return Refusal(
            f"{len(found)} handoffs with a known outcome, {good} of them good: too few to learn from "
            f"(at least {FEWEST_EXAMPLES}, and {FEWEST_OF_A_KIND} of either kind)"
        )
    cases = {rule.id: sum(example.evidence.get(rule.id, 0.0) > 0 for example in found) for rule in model.rules}
    rules = [rule for rule, number in cases.items() if FEWEST <= number <= len(found) - FEWEST]
    if not rules:
        return Refusal(f"no rule counted at {FEWEST} handoffs and was absent at {FEWEST}: nothing to compare")
    x, y = np.array(list(matrix(found, rules))), np.array([example.good for example in found])
    best = min(STRENGTHS, key=lambda strength: _later(x, y, strength)[0])
    _, truth, guess = _later(x, y, best)
    auc, error = _auc(truth, guess)
    if auc - SURE * error <= 0.5:
        return Refusal(
            f"nothing to learn: later handoffs are told apart no better than by chance (AUC {auc:.2f}, "
            f"{len(truth)} of them)"
        )
    now = np.array([model.by_id[rule].points for rule in rules])
    points = _points(x, y, best, now, rules, cases, seed, model)
    present = float(roc_auc_score(truth, (x @ now)[-len(truth) :]))
    return Suggestion(len(found), good, auc, auc - 1.96 * error, min(auc + 1.96 * error, 1.0), present, points)


def _fit(x: Any, y: Any, strength: float) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a refit that stops early is one of many
        return LogisticRegression(C=strength, max_iter=500).fit(x, y)


def _later(x: Any, y: Any, strength: float) -> tuple[float, Any, Any]:
    """The loss on later handoffs than were fitted on, and what they were and were guessed to be."""
    truth, guess = [], []
    for before, after in TimeSeriesSplit(FOLDS).split(x):
        if len(set(y[before])) < 2:
            rate = float(np.mean(y[before]))
            guess.append(np.full(len(after), rate))
        else:
            guess.append(_fit(x[before], y[before], strength).predict_proba(x[after])[:, 1])
        truth.append(y[after])
    said, was = np.concatenate(guess), np.concatenate(truth)
    return float(log_loss(was, said, labels=[False, True])), was, said


def _auc(truth: Any, guess: Any) -> tuple[float, float]:
    """The area under the curve, and its standard error (Hanley and McNeil, 1982)."""
    good, bad = int(np.sum(truth)), int(len(truth) - np.sum(truth))
    if not good or not bad:
        return 0.5, 1.0
    a = float(roc_auc_score(truth, guess))
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    spread = a * (1 - a) + (good - 1) * (q1 - a * a) + (bad - 1) * (q2 - a * a)
    return a, sqrt(max(spread, 0.0) / (good * bad))


def _points(
    x: Any, y: Any, strength: float, now: Any, rules: list[str], cases: dict[str, int], seed: int, model: Model
) -> list[RulePoints]:
    """Coefficients as points: scaled so that the rules together weigh what they weigh now."""
    weights = _fit(x, y, strength).coef_[0]
    drawn = _refitted(x, y, strength, seed)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    gain = float(np.sum(np.clip(weights, 0, None)))
    scale = float(np.sum(np.clip(now, 0, None))) / gain if gain > 0 else 0.0
    found: list[RulePoints] = []
    for place, rule in enumerate(rules):
        told = bool(low[place] > 0 or high[place] < 0)
        wanted = round(float(weights[place]) * scale) if told else round(float(now[place]))
        bounded = max(-MOST_POINTS, min(wanted, int(_most(model, rule))))
        interval = float(low[place]) * scale, float(high[place]) * scale
        found.append(RulePoints(rule, float(now[place]), bounded, *interval, cases[rule], told))
    return found


def _most(model: Model, rule: str) -> float:
    """What the schema lets a rule give: no more than its group holds."""
    group = model.by_id[rule].group
    return min(MOST_POINTS, model.caps[group]) if group is not None else MOST_POINTS


def _refitted(x: Any, y: Any, strength: float, seed: int) -> Any:
    """Coefficients of samples drawn anew from the examples."""
    rng = np.random.default_rng(seed)
    drawn: list[Any] = []
    while len(drawn) < REFITS:
        chosen = rng.integers(0, len(y), len(y))
        if 0 < np.sum(y[chosen]) < len(y):
            drawn.append(_fit(x[chosen], y[chosen], strength).coef_[0])
    return np.array(drawn)
