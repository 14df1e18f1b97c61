"""What becomes of a lead that sales gave back, in words."""

from schemas.follow_up import Return
from schemas.model import ScoringModel
from streams.model_page.vocabulary import REASONS
from streams.model_page.wording import Lines, Wording, table


def recycling(source: ScoringModel, w: Wording) -> Lines:
    """What follows when sales gives a lead back, by reason."""
    part = source.recycling
    rows = [(f"{w.term(REASONS, name)} ({name})", _return(terms, w)) for name, terms in part.reasons.items()]
    rows.append(
        (
            w.say("any other reason", "その他の理由") if rows else w.say("any reason", "すべての理由"),
            _rests(part.cool_down, w),
        )
    )
    return [
        w.say("## Given back by sales", "## 営業からの差し戻し"),
        "",
        *table([w.say("reason", "理由"), w.say("what follows", "その後の扱い")], rows),
        "",
        w.say(
            "Unless said otherwise above, only what the lead does after sales gave it back counts towards the next"
            " handoff.",
            "次の引き渡しには、特記がない限り、差し戻し後の行動のみを数える。",
        ),
    ]


def _return(terms: Return, w: Wording) -> str:
    if terms.disqualifies:
        return w.say("out, until a person takes it back", "対象外（担当者が戻すまで）")
    said = [_rests(terms.cool_down, w)]
    if terms.until_grade_rises:
        said.append(w.say("unless its grade becomes better", "グレードが上がれば終了"))
    if terms.keeps_points:
        said.append(w.say("it keeps its points", "点数は保持"))
    return w.say(", ", "、").join(said)


def _rests(cool_down: int, w: Wording) -> str:
    if not cool_down:
        return w.say("a lead again at once", "直ちにリードへ戻す")
    span = w.duration(cool_down)
    return w.say(f"rests for {span}", f"{span}休止")
