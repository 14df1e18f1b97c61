"""What a person works on, read from a job title in Japanese or English: the first row that hits."""

import re
from typing import Final

from streams.fit.wording import END, START


def _row(english: str, japanese: str) -> re.Pattern[str]:
    return re.compile(f"{START}(?:{english}){END}|{japanese}")


NOT_A_FUNCTION: Final = re.compile(r"業務委託|マーケット(?!イン|リサーチ)")
"""Holds a function's word and is none: a contractor, a supermarket."""
ROWS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "it",
        _row(
            r"it|dx|ict|information (?:technology|systems?|security)|digital transformation|systems? (?:admin\w*"
            r"|engineer)|infrastructure|network|cyber ?security|help ?desk|devops|sre",
            r"情報システム|情シス|情報セキュリティ|社内se|システム部|システム課|システムエンジニア|インフラ|ネットワーク|電算",
        ),
    ),
    (
        "marketing",
        _row(
            r"marketing|pr|public relations|communications|brand|branding|advertising|demand gen\w*"
            r"|lead gen\w*|growth|seo|social media|content",
            r"マーケ|広報|販促|販売促進|宣伝|広告|ブランド|プロモーション",
        ),
    ),
    (
        "support",
        _row(r"customer (?:success|support|service|care)", r"カスタマー(?:サクセス|サポート)|お客様相談"),
    ),
    (
        "sales",
        _row(
            r"sales|business development|account (?:executive|manager|director)|key account|[bs]dr|inside sales",
            r"営業|セールス|販売|事業開発|ビジネス開発",
        ),
    ),
    ("production", _row(r"plant|production|manufacturing|quality(?: assurance)?|factory", r"製造|生産|品質")),
    ("procurement", _row(r"procurement|purchasing|buyer|sourcing|supply chain", r"購買|調達|資材")),
    ("legal", _row(r"legal|counsel|compliance|lawyer|attorney", r"法務|知財|知的財産|コンプライアンス")),
    (
        "operations",
        _row(
            r"operations?|ops|administration|general affairs|corporate planning|strategy",
            r"経営企画|経営戦略|業務|総務|庶務|管理本部|管理部|オペレーション|事業企画",
        ),
    ),
    (
        "hr",
        _row(
            r"hr|hrbp|human resources?|people|talent|recruit(?:er|ing|ment)|personnel",
            r"人事(?!業)|採用|人材開発|労務",
        ),
    ),
    (
        "finance",
        _row(r"finance|accountant|accounting|financial(?! officer)|treasur\w+|controller|tax", r"経理|財務|会計"),
    ),
    (
        "r_and_d",
        _row(
            r"r ?& ?d|research|researcher|development|engineer|engineering|developer|software|scientist",
            r"研究|開発|エンジニア|設計",
        ),
    ),
)


def function(title: str) -> str | None:
    """The function of a plain title; None if it names none."""
    text = NOT_A_FUNCTION.sub(" ", title)
    return next((name for name, pattern in ROWS if pattern.search(text)), None)
