"""The lists that the model names but does not give; short, for the journeys and the random generator's words.

Readings: titles, industries, countries and lists not named in the model are this module's own choice.
"""

SERVICEABLE = frozenset(["JP", "US", "CA", "GB", "DE", "FR", "NL", "AU", "SG"])
COUNTRIES = {"japan": "JP", "日本": "JP", "germany": "DE", "united states": "US", "usa": "US"}
KNOWN_COUNTRIES = SERVICEABLE | frozenset(["BR", "IN", "IT", "ES", "CN", "KR", "CH", "SE"])
EU = frozenset(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE".split()  # noqa: SIM905
)

TARGET_INDUSTRIES = frozenset(["software", "manufacturing", "finance", "professional_services", "telecom"])
EXCLUDED_INDUSTRIES = frozenset(["gambling"])
INDUSTRIES = {
    "製造業": "manufacturing", "製造": "manufacturing", "ソフトウェア": "software", "金融": "finance",
    "通信": "telecom", "professional services": "professional_services",
}  # fmt: skip
RELATED_FUNCTIONS = frozenset(["marketing", "sales", "operations", "it", "executive"])

PERSONAL_MAIL = frozenset(["gmail.com", "yahoo.co.jp", "outlook.com", "hotmail.com", "icloud.com"])
DISPOSABLE_MAIL = frozenset(["mailinator.com"])
ROLES = frozenset(["info", "sales", "contact", "support", "admin"])
COMPETITORS = frozenset(["competitor.example"])
OWN = frozenset(["own-company.example"])

SOFTWARE = frozenset(["salesforce", "hubspot", "marketo"])
PERSONAS = frozenset(["marketing_leader"])
JPY_PER_USD = 150.0
