"""Kinds of leads, in words: how each is approached, and what is urgent."""

from schemas.follow_up import Condition, Range
from schemas.model import ScoringModel
from streams.model_page.fit import between
from streams.model_page.vocabulary import LANES, PRIORITIES
from streams.model_page.wording import Lines, Wording, table


def segments(source: ScoringModel, w: Wording) -> Lines:
    """Kinds of leads with their approach, and what is urgent."""
    lines: Lines = []
    first = w.say("The first that fits counts.", "上から順に、最初に一致したものを適用する。")
    if source.segments:
        columns = [w.say("segment", "セグメント"), w.say("who", "対象"), w.say("approach", "アプローチ")]
        rows = [(s.name, condition(s.when, w), w.text(s.approach)) for s in source.segments]
        lines += [w.say("## Segments", "## セグメント"), "", first, "", *table(columns, rows)]
    if source.priorities:
        columns = [
            w.say("priority", "優先度"),
            w.say("who", "対象"),
            w.say("first contact within", "初回連絡の期限"),
        ]
        urgent = [
            (
                w.term(PRIORITIES, p.priority),
                condition(p.when, w),
                w.say("as above", "上記の通り")
                if p.respond_within is None
                else w.business(p.respond_within, "hour", "時間"),
            )
            for p in source.priorities
        ]
        lines += [
            *([""] if lines else []),
            w.say("## Priorities", "## 優先度"),
            "",
            first,
            "",
            *table(columns, urgent),
        ]
    return lines


def condition(part: Condition, w: Wording) -> str:
    """What must be so of a lead."""
    said = []
    if part.stage is not None:
        said.append(w.either([stage.upper() if len(stage) == len("sql") else stage for stage in part.stage]))
    if part.lane is not None:
        said.append(w.terms(LANES, part.lane))
    if part.grade is not None:
        said.append(w.say(f"grade {w.either(part.grade)}", f"グレード{w.either(part.grade)}"))
    if part.employees is not None:
        said.append(size(part.employees, w))
    if part.industry is not None:
        said.append(w.either(part.industry))
    if part.alive is not None:
        said.append(w.say(f"{w.either(part.alive)} still counts", f"{w.either(part.alive)}が有効"))
    return w.all_of(said) or w.say("everyone", "全員")


def size(employees: Range | None, w: Wording) -> str:
    """How many employees."""
    if employees is None:
        return w.say("all other sizes", "その他の規模")
    return w.say(f"{_range(employees, w)} employees", f"従業員数{_range(employees, w)}")


def _range(part: Range, w: Wording) -> str:
    unknown = w.say(" or unknown", "・不明") if part.unknown else ""
    return between(part.at_least, part.below, w) + unknown
