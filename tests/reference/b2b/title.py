"""Seniority and function from a job title: enough for the journeys and the random generator.

Readings:
- `なし`, `-`, `test`, `asdf` are unknown only as the whole title.
- 元 and 前 hit only directly before one of the Japanese title words of the table.
- Of several functions the first in the table's order wins.
- In finance the English words of the vp row are a manager's title, not the Japanese ones.
- A blank title is unknown; so is one that a person never told.
"""

import re
import unicodedata

JAPANESE_TITLES = (
    "本部長|事業部長|副社長|専務|常務|執行役員|社長|代表取締役|代表|取締役|役員|会長|理事長|部長|次長|室長|"
    "支店長|工場長|所長|課長|係長|主任|マネージャー|マネジャー|CEO|CTO|CMO|COO|CIO"
).casefold()

JAPANESE_VP = "本部長|事業部長|副社長|専務|常務|執行役員|統括"


def english(*words: str) -> str:
    return "|".join(rf"(?<![a-z]){word}(?![a-z])" for word in words)


SENIORITY = [
    ("student_intern", r"学生(?!支援)|大学院生|インターン|アルバイト|内定者|"
     + english("student", "intern", "trainee", "working student")),
    ("staff", r"秘書|アシスタント|社長室(?!長)|役員室(?!長)|付(?=$|[\s・、/)])|"
     + english("assistant", "secretary", "office of", "to the ceo")),
    ("unknown", rf"^$|^なし$|^-$|^test$|^asdf$|[元前](?={JAPANESE_TITLES})|顧問|監査役|プロダクトオーナー|"
     + english("ob", "former", "retired", "product owner") + r"|(?<![a-z])ex-"),
    ("vp", JAPANESE_VP + "|" + english("vp", "svp", "evp", "vice president")),
    ("c_level", r"社長(?!室)|代表|取締役|役員(?!室)|会長|オーナー|理事長|"
     + english("c[a-z]o", "chief .* officer", "president", "founder", "owner", "managing director")),
    ("director", r"部長|次長|室長|支店長|工場長|所長|" + english("director", "head of", "general manager")),
    ("manager", r"課長|マネージャー|マネジャー|グループ長|グループリーダー|" + english("manager")),
    ("lead", r"係長|主任|リーダー|" + english("lead", "leader", "supervisor", "senior")),
    ("staff", r""),
]  # fmt: skip
FUNCTION = [
    ("it", r"情報システム|情シス|" + english("dx", "it")),
    ("marketing", r"マーケ|広報|販促|" + english("marketing")),
    ("sales", r"営業|セールス|" + english("sales")),
    ("operations", r"経営企画|業務|総務|" + english("operations")),
    ("hr", r"人事|採用|" + english("hr")),
    ("finance", r"経理|財務|" + english("finance")),
    ("r_and_d", r"研究|開発|" + english("r&d")),
]
MANAGER_OR_ABOVE = ("manager", "director", "vp", "c_level")


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def seniority(title: str, industry: str | None) -> str:
    text = plain(title)
    found = next(name for name, words in SENIORITY if re.search(words, text))
    banker = found == "vp" and industry == "finance" and not re.search(JAPANESE_VP, text)
    return "manager" if banker else found


def function(title: str, level: str) -> str | None:
    text = plain(title)
    found = next((name for name, words in FUNCTION if re.search(words, text)), None)
    return found or ("executive" if level == "c_level" else None)
