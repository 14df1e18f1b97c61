"""How much a person decides, read from a job title in Japanese or English.

Rows are tried in order and the first that hits wins. Before that, names of offices and units that contain a title
of somebody else ("社長室", "CTO室", "取締役会") are taken out, so that the person's own title is read.
"""

import re
from enum import IntEnum
from typing import Final

from streams.fit.wording import END, START


class Seniority(IntEnum):
    """Levels in order: `>= MANAGER` asks for a manager or above."""

    STUDENT_INTERN = 0
    STAFF = 1
    LEAD = 2
    MANAGER = 3
    DIRECTOR = 4
    VP = 5
    C_LEVEL = 6


def _row(english: str, japanese: str = r"(?!)") -> re.Pattern[str]:
    """A pattern of English alternatives on word boundaries and Japanese ones anywhere."""
    return re.compile(f"{START}(?:{english}){END}|{japanese}")


CXO: Final = r"c(?:[a-z]|is|hr|dx|co)o"
_HEADS: Final = f"社長|会長|頭取|取締役|役員|専務|常務|本部長|事業部長|部長|所長|支店長|{CXO}"
UNITS: Final = re.compile(
    rf"(?:社長|会長|役員|秘書|監査役|{CXO})室(?!長)(?:\s*(?=室))?"
    rf"|(?:{_HEADS})(?:付き?(?=\s|$|[^\w])|直[下轄属]|補佐(?=$|\s)(?<!部長補佐))"
    rf"|取締役会(?!長)|統括(?=(?:部|室|課|局|本部|グループ|チーム|センター)(?!長))"
)
"""What belongs to somebody else's title, or names a unit."""
OFFICE_HEADS: Final = re.compile(r"(?:社長|会長|役員|秘書)+室長")
PLACES: Final = re.compile(r"長(?:野|崎|岡|浜|久手|門)|元町|元請")
"""Place names that read as the end or the beginning of a title: 営業部長野支店 is a branch in 長野."""

STUDENTS: Final = _row(
    r"students?(?! (?:affairs|success|services?|support|recruit\w*|experience|engagement|life|loans?|housing"
    r"|travel|enrol\w*|accommodation))|interns?|internship(?! (?:program|coordinator|manager))|trainees?"
    r"|working student",
    r"(?<!留)学生(?![長支部課援係局]|センター|相談|募集|採用|向け|担当)|大学院生"
    r"|インターン(?!シップ担当|採用|担当)|アルバイト(?!採用)|内定者",
)
COOPERATIVE: Final = re.compile(r"学生協")

ASSISTANTS: Final = _row(
    r"assistant|asst|secretary|office of|(?:ceo|president|md|chairman)(?:'s)? office"
    rf"|to (?:the |our )?(?:{CXO}|president|md|managing director|chairman|chairperson|board|founder|owner)",
    r"秘書(?!室長|課長|部長|課 )|アシスタント",
)
_TITLES: Final = (
    r"(?:代表|取締役|社長|副社長|会長|専務|常務|執行役員|役員|理事|本部長|事業部長|部長|次長|室長|支店長|工場長|所長"
    rf"|課長|係長|主任|店長|マネージャ|マネジャ|リーダー|頭取|{CXO}(?![a-z])|vp(?![a-z]))"
)
UNKNOWNS: Final = _row(
    rf"former|formerly|ex-\w+|ex (?:{CXO}|vp|director|manager|president)|retired|retiree|ob|og"
    r"|(?:product|process|system|data|risk|service|solution|feature|platform|application|project|content) owner",
    rf"(?<!\w)[元前][\s・]?{_TITLES}|顧問(?!先|契約|営業)|監査役|相談役|プロダクトオーナー",
)
BANK_VPS: Final = _row(r"[sear]?vp|vice[ -]?presidents?")
"""In finance these are middle managers."""
VPS: Final = _row(
    r"(?:[searg]|gl)?vp|vpo[a-z]|vice[ -]?presidents?|(?<!chief )executive officer|corporate officer",
    r"本部長|事業部長|副社長|専務|常務|執行役員|統括|副頭取",
)
CHIEFS: Final = _row(
    rf"{CXO}|chief\b.{{0,60}}\bofficer|president|(?:co-?)?founder|(?:co-?)?owner|managing director"
    r"|representative director|board member|(?:managing|founding|general|equity) partner"
    r"|(?:sole )?proprietor|chair(?:man|woman|person)",
    r"社長|代表(?!電話)|取締役|役員|会長|オーナー|理事長|経営者|経営層|創業者|個人事業主|自営業"
    r"|頭取|総裁|学長|院長|最高[^\s]{1,8}責任者",
)
DIRECTORS: Final = _row(
    r"directors?|dir\.?|head(?! (?:office|count|hunter|start))|general manager",
    r"部長|次長|室長|支店長|工場長|所長|局長|部門長|センター長|校長|園長|館長|事務長|支配人|(?:ゼネラル|ジェネラル)マネー?ジャ"
    r"|(?:マーケティング|セールス|営業|事業|シニア|カントリー|リージョナル|オペレーション|プロダクト)ディレクター",
)
SECTIONS: Final = _row(r"section (?:head|chief)|group head")
MANAGERS: Final = _row(
    r"managers?|mgr|gm", r"課長|マネー?ジャ|グループ長|グループリーダー|店長|管理職|責任者|チーム長"
)
LEADS: Final = _row(
    r"lead(?!s? (?:gen\w*|nurtur\w*|manage\w*|qualif\w*|scor\w*))|leader|supervisor|senior|sr|chief(?! of staff)",
    r"係長|主任|リーダー|チーフ|班長|主査|シニア|スーパーバイザー",
)
ROWS: Final[tuple[tuple[re.Pattern[str], Seniority], ...]] = (
    (VPS, Seniority.VP),
    (CHIEFS, Seniority.C_LEVEL),
    (SECTIONS, Seniority.MANAGER),
    (DIRECTORS, Seniority.DIRECTOR),
    (MANAGERS, Seniority.MANAGER),
    (LEADS, Seniority.LEAD),
)
"""The rows after those of students, assistants and former positions."""


def seniority(title: str, finance: bool) -> Seniority | None:
    """The level of a plain title that says something; None if it is a former or an advisory position."""
    own = PLACES.sub(" ", UNITS.sub(" ", OFFICE_HEADS.sub("室長", title)))
    if STUDENTS.search(COOPERATIVE.sub(" ", own)):
        return Seniority.STUDENT_INTERN
    if ASSISTANTS.search(own):
        return Seniority.STAFF
    if UNKNOWNS.search(own):
        return None
    if finance and BANK_VPS.search(own):
        return Seniority.MANAGER
    return next((level for pattern, level in ROWS if pattern.search(own)), Seniority.STAFF)
