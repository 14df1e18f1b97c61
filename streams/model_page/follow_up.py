"""Who follows up, by when, and what happens otherwise, in words."""

from typing import Final

from schemas.follow_up import Calendar, FollowUp, Routing
from schemas.model import ScoringModel
from streams.model_page.segment import size
from streams.model_page.vocabulary import LANES, RECIPIENTS, WEEKDAYS
from streams.model_page.wording import Lines, Wording, table

MINUTES: Final = 60


def handoff(source: ScoringModel, w: Wording) -> Lines:
    """What is handed over, and in which mode."""
    part = source.handoff
    mode = {
        "live": w.say("Each handoff goes to sales at once.", "引き渡しは直ちに営業へ届く。"),
        "shadow": w.say(
            "Handoffs are recorded and not sent: shadow mode.",
            "引き渡しは記録のみで、営業へは送らない（シャドーモード）。",
        ),
        "off": w.say("Nothing is handed to sales.", "営業への引き渡しは行わない。"),
    }[part.mode]
    stage = part.stage.upper()
    lines = [
        w.say(
            f"- A lead is handed to sales when it becomes {stage}, once. {mode}",
            f"- {stage}になった時点で一度だけ営業へ引き渡す。{mode}",
        )
    ]
    if part.max_age is not None:
        age = w.duration(part.max_age)
        lines.append(
            w.say(
                f"- What arrives more than {age} after it happened is held, not sent.",
                f"- 発生から{age}を超えて届いた行動では引き渡さず、保留とする。",
            )
        )
    return [w.say("## Handoff", "## 引き渡し"), "", *lines]


def follow_up(source: ScoringModel, w: Wording) -> Lines:
    """Deadlines, routes and calendars."""
    if source.follow_up is None or source.routing is None:
        return []
    lines = [w.say("## Follow-up", "## フォローアップ"), "", *_deadlines(source.follow_up, source, w), ""]
    lines += [*_routes(source.routing, w), "", *_calendars(source.calendars, w)]
    return lines


def _deadlines(part: FollowUp, source: ScoringModel, w: Wording) -> Lines:
    columns = [w.say("because of", "きっかけ"), w.say("first contact within", "初回連絡の期限")]
    rows = [
        (w.term(LANES, lane), w.business(hours, "hour", "時間")) for lane, hours in part.respond_within.items()
    ]
    late = [_escalation(e.after, w.term(RECIPIENTS, e.to), w) for e in part.escalations]
    lines = [
        *table(columns, rows),
        "",
        w.say(
            "- The clock starts when the event arrives and runs in business hours. Accepting does not stop it.",
            "- 期限は受信時刻から営業時間で数える。受領しただけでは止まらない。",
        ),
    ]
    if late:
        lines.append(
            w.say(f"- Overdue, it is told to {', '.join(late)}.", f"- 期限超過の通知先: {'、'.join(late)}")
        )
    lines.append(
        w.say(
            f"- Without any answer by the close of business day {part.gives_up_after:g} the lead is taken back.",
            f"- {part.gives_up_after:g}営業日目の終業時刻までに回答がなければ、リードを回収する。",
        )
    )
    if source.handoff.contact_within is not None:
        span = w.duration(source.handoff.contact_within)
        lines.append(
            w.say(
                f"- Accepted and not contacted for {span}, it is taken back as well.",
                f"- 受領後{span}連絡がない場合も回収する。",
            )
        )
    return lines


def _escalation(after: float, to: str, w: Wording) -> str:
    if not after:
        return w.say(f"{to} at once", f"{to}（直ちに）")
    hours = w.business(after, "hour", "時間")
    return w.say(f"{to} after {hours}", f"{to}（{hours}後）")


def _routes(part: Routing, w: Wording) -> Lines:
    columns = [
        w.say("country", "国"),
        *(size(s.employees, w) for s in part.sizes),
        w.say("requests to look at", "個別確認"),
    ]
    rest = w.say("all others", "その他")
    rows = [
        (
            ", ".join(region.countries) or rest,
            *(_queue(f"{region.name}-{size.name}", part, w) for size in part.sizes),
            _queue(region.reviews or part.reviews, part, w),
        )
        for region in part.regions
    ]
    return [
        w.say(
            "A lead goes to the owner of its account; without one, to the queue of its country and size. "
            "Colleagues go to one person:",
            "担当者のいる企業のリードはその担当者へ、いない場合は国と規模に応じたキューへ送る。"
            "同じ企業のリードは同じ担当者に届く。",
        ),
        "",
        *table(columns, rows),
    ]


def _queue(name: str, part: Routing, w: Wording) -> str:
    queue = part.queues[name]
    people = w.say(f"{queue.reps} {'person' if queue.reps == 1 else 'people'}", f"{queue.reps}名")
    return f"{name} ({queue.calendar}, {people})"


def _calendars(calendars: dict[str, Calendar], w: Wording) -> Lines:
    columns = [
        w.say("calendar", "カレンダー"),
        w.say("time zone", "タイムゾーン"),
        w.say("open", "営業時間"),
        w.say("holidays", "休業日"),
    ]
    rows = [
        (
            name,
            c.zone,
            _open(c, w),
            c.holidays or w.say("none", "なし"),
        )
        for name, c in calendars.items()
    ]
    return table(columns, rows)


def _open(part: Calendar, w: Wording) -> str:
    days = w.say(" ", "・").join(w.term(WEEKDAYS, day) for day in part.weekdays)
    return f"{days} {_clock(part.opens)}-{_clock(part.closes)}"


def _clock(minutes: int) -> str:
    return f"{minutes // MINUTES:02d}:{minutes % MINUTES:02d}"
