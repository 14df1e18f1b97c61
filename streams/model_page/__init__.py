"""A scoring model in words: a page that the heads of marketing and of sales can read and sign."""

from schemas.model import Language, ScoringModel
from streams.model_page import agreement, fit, follow_up, recycling, rule, segment, stage
from streams.model_page.wording import Lines, Wording
from streams.scoring.model import Model


def page(model: Model, now: int, language: Language | None = None) -> str:
    """The model as Markdown, in its own language or another. `now` (Unix ms) tells what is about to run out."""
    source, w = model.source, Wording(language or model.source.language)
    sections = [
        _head(source, w),
        agreement.warnings(source, now, w),
        stage.stages(source, w),
        stage.requests(source, w),
        stage.blocks(source, w),
        rule.points(source, w),
        rule.limits(source, w),
        rule.pages(source, w),
        fit.fit(source, w),
        rule.not_scored(source, w),
        follow_up.handoff(source, w),
        follow_up.follow_up(source, w),
        recycling.recycling(source, w),
        segment.segments(source, w),
        agreement.lists(source, w),
        agreement.signatures(model, w),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _head(source: ScoringModel, w: Wording) -> Lines:
    parts = w.say("points for behaviour", "行動の点数")
    if source.fit is not None:
        parts += w.say(" and for fit", "と適合度の点数")
    return [
        w.say(
            f"# Scoring model {source.name}, version {source.version}",
            f"# スコアリングモデル {source.name} バージョン{source.version}",
        ),
        "",
        w.say(
            f"A lead's score is the sum of the {parts} below that count at the moment.",
            f"リードのスコアは、以下の{parts}のうち、その時点で有効なものの合計である。",
        ),
    ]
