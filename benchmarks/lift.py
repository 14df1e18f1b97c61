"""Who will buy? Suggested points against the `published` model and gradient boosting, on the same evidence.

Any log of a shop will do, with a mapping in which a purchase is `deal_won`. Everybody is judged once: so long
after the first event, or when an address was given; good is who bought within the horizon after that. What is
learned is learned from people whose horizon was over when the others came (a split in time). Lift: how many times
more buyers than in all are among the best-scored tenth; equal scores share their places. Intervals: 95 %, 1,000
resamples.

    python -m benchmarks lift log.csv.gz --mapping benchmarks/shop-mapping.yaml --model benchmarks/shop.yaml
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import TimeSeriesSplit

from streams import model_file
from streams.analysis import moment, revision
from streams.analysis.evidence import Example, matrix
from streams.analysis.moment import Moment, at_address, since_first
from streams.analysis.source import Reader, Source
from streams.analysis.suggestion import FOLDS, Refusal, Suggestion, suggest
from streams.identity.keys import Secret
from streams.imports import mapping as mappings
from streams.imports.event import Import, Prepared, from_row
from streams.imports.row import opened, rows
from streams.scoring.instant import rfc3339
from streams.scoring.model import Model
from streams.shard import Terms

SECRET: Final = Secret(b"keys that stay in this process")
RESAMPLES: Final = 1_000
TENTH: Final = 0.1
LEAVES: Final = (2, 4, 8, 31)
"""Leaves of a tree that are tried: the last is the library's own."""
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", type=Path, help="CSV, .gz too")
    parser.add_argument("--mapping", type=Path, required=True, help="how its rows become events (docs/import.md)")
    parser.add_argument("--model", default="b2b", help="the model whose points are learned")
    parser.add_argument("--against", default="published", help="a model to compare with")
    parser.add_argument("--minutes", type=float, default=5, help="after the first event")
    parser.add_argument("--at-address", action="store_true", help="instead: when an address was given")
    parser.add_argument("--horizon-hours", type=float, default=24, help="within which one buys")
    parser.add_argument(
        "--split",
        type=float,
        nargs="+",
        default=[0.4, 0.5, 0.6, 0.7],
        help="share of the log's time that is learned from",
    )


def run(given: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    source = _read(given.log, given.mapping)
    horizon = int(given.horizon_hours * HOUR)
    when = at_address if given.at_address else since_first(int(given.minutes * MINUTE))
    at = moment.moments(source.events, when, horizon, source.end)
    whole = source.end - source.first
    return {
        "judged": "at the address" if given.at_address else f"{given.minutes:g} minutes after the first event",
        "horizon_hours": given.horizon_hours,
        "splits": [_split(source, at, source.first + int(part * whole), horizon, given) for part in given.split],
    }


def _split(
    source: Source, at: dict[int, Moment], split: int, horizon: int, given: argparse.Namespace
) -> dict[str, Any]:
    """Learned before an instant, tested after it."""
    base, other = _model(given.model), _model(given.against)
    learned, _ = _scored(source, {kin: one for kin, one in at.items() if one.at + horizon <= split}, base)
    after = {kin: one for kin, one in at.items() if one.at >= split}
    tested, started = _scored(source, after, base)
    found = suggest(learned, base)
    scores = {other.source.name: _scored(source, after, other)[1], f"{base.source.name} as it was": started}
    if isinstance(found, Suggestion):
        scores["suggested"] = _scored(source, after, _revised(given.model, found))[1]
    scores["gradient boosting"] = _boosted(learned, tested, [rule.id for rule in base.rules])
    truth = np.array([example.good for example in tested])
    return {
        "learned_before": rfc3339(split)[:16],
        "learned_from": {"people": len(learned), "bought": sum(example.good for example in learned)},
        "tested_on": {"people": len(tested), "bought": int(truth.sum())},
        "points": _points(found),
        "lift_in_the_top_tenth": {name: lift(truth, np.array(values)) for name, values in scores.items()},
    }


def _read(log: Path, mapping_file: Path) -> Source:
    mapping = mappings.load(mapping_file)
    if isinstance(mapping, str):
        raise SystemExit(mapping)
    reader, settings = Reader(), Import(SECRET, "server", None)
    with opened(log) as file:
        for line, cells in rows(file.content, mapping.delimiter, mapping.encoding, mapping.columns()):
            made = from_row(cells, mapping, settings) if isinstance(cells, dict) else None
            if isinstance(made, Prepared):
                reader.take(made.value, line)
    return reader.finish()


def _model(name: str) -> Model:
    found = model_file.load(name)
    if not isinstance(found, Model):
        raise SystemExit(str(found[0]))
    return found


def _scored(source: Source, at: dict[int, Moment], model: Model) -> tuple[list[Example], list[float]]:
    return moment.examples(source.events, at, Terms(model, SECRET))


def _revised(base: str, found: Suggestion) -> Model:
    """The suggested model as its users get it: whole points in a file."""
    path = model_file.SHIPPED / f"{base}.yaml" if base in model_file.shipped() else Path(base)
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "suggested.yaml"
        revision.write(path, out, {rule.rule: rule.points for rule in found.rules}, "suggested")
        return _model(str(out))


def _boosted(learned: list[Example], tested: list[Example], rules: list[str]) -> list[float]:
    """Trees as large as later people in what is learned from speak for, the same folds as the points' own."""
    x, y = np.array([*matrix(learned, rules)]), np.array([example.good for example in learned])
    folds = [(a, b) for a, b in TimeSeriesSplit(FOLDS).split(x) if 0 < y[a].sum() < len(a)]

    def loss(leaves: int) -> float:
        guessed = [_trees(leaves).fit(x[a], y[a]).predict_proba(x[b])[:, 1] for a, b in folds]
        return float(log_loss(np.concatenate([y[b] for _, b in folds]), np.concatenate(guessed), labels=[0, 1]))

    trees = _trees(min(LEAVES, key=loss)).fit(x, y)
    found: list[float] = trees.predict_proba(np.array([*matrix(tested, rules)]))[:, 1].tolist()
    return found


def _trees(leaves: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_leaf_nodes=leaves, early_stopping=False, random_state=0
    )


def _points(found: Suggestion | Refusal) -> Any:
    if isinstance(found, Refusal):
        return found.reason
    return {rule.rule: {"points": rule.points, "people": rule.cases, "told": rule.told} for rule in found.rules}


def lift(truth: Any, scores: Any, seed: int = 0) -> dict[str, float]:
    """Lift in the best-scored tenth with its interval, and the AUC (0.5: chance)."""
    rng = np.random.default_rng(seed)
    size = len(truth)
    drawn = [_lift(truth, scores, rng.multinomial(size, np.full(size, 1 / size))) for _ in range(RESAMPLES)]
    low, high = np.percentile([one for one in drawn if one is not None], [2.5, 97.5])
    whole = _lift(truth, scores, np.ones(size))
    auc = roc_auc_score(truth, scores)
    return {name: round(float(value or 0), 2) for name, value in
            (("lift", whole), ("low", low), ("high", high), ("auc", auc))}  # fmt: skip


def _lift(truth: Any, scores: Any, weights: Any) -> float | None:
    """None of a sample without a buyer. Of those with equal scores, as many as there is room for, on average."""
    total, people = float(weights @ truth), float(weights.sum())
    if not total:
        return None
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(-scores[order], return_index=True)
    sizes = np.add.reduceat(weights[order], first)
    buyers = np.add.reduceat((weights * truth)[order], first)
    room = np.clip(TENTH * people - (np.cumsum(sizes) - sizes), 0, sizes)
    taken = np.divide(room, sizes, out=np.zeros_like(room, dtype=float), where=sizes > 0)
    return float(taken @ buyers) / (TENTH * total)
