"""Titles as people write them, labelled by hand in `titles.csv`."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.fit.seniority import Seniority
from streams.fit.title import Title, read_title
from streams.fit.wording import LONGEST, plain

ROWS = list(csv.DictReader((Path(__file__).parent / "titles.csv").read_text(encoding="utf-8").splitlines()))
TITLES = [row["title"] for row in ROWS]


def label(row: dict[str, str]) -> Title:
    level = row["seniority"]
    return Title(Seniority[level.upper()] if level else None, row["function"] or None)


def level_of(text: str, industry: str | None = None) -> str:
    level = read_title(text, industry).seniority
    return "unknown" if level is None else level.name.lower()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['title']}-{row['industry']}" for row in ROWS])
def test_a_title_is_read_as_a_person_read_it(row: dict[str, str]) -> None:
    assert read_title(row["title"], row["industry"] or None) == label(row)


def test_most_titles_that_mean_something_get_a_level_and_half_a_function() -> None:
    read = [read_title(row["title"], row["industry"] or None) for row in ROWS if row["seniority"]]
    classified = sum(title.seniority is not None for title in read) / len(read)
    counted = Counter("none" if title.seniority is None else title.seniority.name for title in read)
    specific = sum(title.seniority not in (None, Seniority.STAFF) for title in read) / len(read)
    placed = sum(title.function is not None for title in read) / len(read)
    print(f"{len(ROWS)} titles; of {len(read)} with a meaning: {classified:.1%} a level, {specific:.1%} above the")
    print(f"default of staff, {placed:.1%} a function; {dict(counted)}")
    assert len(ROWS) >= 300
    assert classified == 1.0
    assert specific > 0.7
    assert placed > 0.5


TABLE = {
    "student_intern": "学生 大学院生 インターン アルバイト 内定者 student intern trainee working_student",
    "staff": "秘書 アシスタント 社長室 役員室 社長付 assistant secretary office_of_the_ceo assistant_to_the_ceo"
    " 担当 一般社員 社員 メンバー specialist",
    "unknown": "元社長 前社長 OB 顧問 監査役 former_ceo ex-cto retired product_owner なし - test asdf",
    "vp": "本部長 事業部長 副社長 専務 常務 執行役員 統括 vp svp evp vice_president",
    "c_level": "社長 代表取締役 取締役 会長 CEO CTO CMO COO CIO オーナー 理事長 chief_data_officer president"
    " founder owner managing_director cfo 代表 役員",
    "director": "部長 次長 部長代理 室長 支店長 工場長 所長 director head_of_sales general_manager",
    "manager": "課長 課長代理 マネージャー マネジャー グループ長 グループリーダー manager",
    "lead": "係長 主任 チームリーダー リーダー lead leader supervisor senior",
}


@pytest.mark.parametrize(
    ("title", "expected"),
    [(word.replace("_", " "), level) for level, row in TABLE.items() for word in row.split()],
)
def test_each_word_of_the_table_means_its_row(title: str, expected: str) -> None:
    assert level_of(title) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("director", "director"),  # holds "cto"
        ("international sales", "staff"),  # holds "intern"
        ("前橋支店長", "director"),  # 前 is part of a place's name
        ("社長室長", "director"),
        ("学生支援課長", "manager"),
        ("法人事業部長", "vp"),
        ("営業部長野支店", "staff"),  # 部 in 長野
        ("取締役会事務局", "staff"),
        ("インターネット事業部長", "vp"),
        ("Senior Manager, Digital Marketing", "manager"),
        ("Lead Generation Specialist", "staff"),
        ("", "unknown"),
        ("　", "unknown"),
    ],
)
def test_words_inside_other_words_do_not_count(title: str, expected: str) -> None:
    assert level_of(title) == expected


def test_a_vice_president_of_a_bank_is_a_manager() -> None:
    assert [level_of("VP", "finance"), level_of("VP", "software"), level_of("VP")] == ["manager", "vp", "vp"]


def test_a_title_that_nobody_gave_is_unknown() -> None:
    assert read_title(None, None) == Title(None, None)


def test_levels_are_in_order_of_decision_power() -> None:
    assert Seniority.STUDENT_INTERN < Seniority.STAFF < Seniority.LEAD < Seniority.MANAGER
    assert Seniority.MANAGER < Seniority.DIRECTOR < Seniority.VP <= Seniority.C_LEVEL


def wide(text: str) -> str:
    """The full-width form of ASCII letters, as Japanese keyboards produce it."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@given(st.text(max_size=300), st.sampled_from([None, "finance"]))
def test_no_text_is_too_strange_to_read(text: str, industry: str | None) -> None:
    assert isinstance(read_title(text, industry), Title)


@given(st.sampled_from(TITLES))
def test_width_and_case_change_nothing(title: str) -> None:
    assert read_title(wide(title), None) == read_title(title, None)
    assert read_title(title.upper(), None) == read_title(title.lower(), None) == read_title(f"  {title}　", None)


@given(st.lists(st.sampled_from(TITLES), min_size=1, max_size=3).map(" ".join) | st.text(max_size=LONGEST // 4))
def test_the_plain_form_of_a_title_is_read_as_the_title(title: str) -> None:
    assert read_title(plain(title), None) == read_title(title, None)
    assert plain(plain(title)) == plain(title)
