"""What one lead does in the demo, as the calls that a site, a back office, a mail system and a CRM make."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, Literal, NamedTuple

from streams.scoring.instant import DAY, HOUR, MINUTE, SECOND, rfc3339

Method = Literal["page", "identify", "track", "feedback", "mail"]
"""The first three are calls of the Segment SDK; an answer of sales and a mail system's webhook are plain HTTP."""

SITE: Final = "browser-site"
"""Write key of the web site: what comes by it is trusted as far as a browser is."""
BACK_OFFICE: Final = "back-office"
"""Write key of form server, mail system, telephone and CRM: a secret, so trusted."""

BROWSER: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
)
CRAWLER: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
LINK_SCANNER: Final = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"

SPAN_DAYS: Final = 28.0
"""The stream covers the four weeks before now: within the 30 days of every rule on visits."""
SHIFT_DAYS: Final = 0.6
"""Journeys of one story begin up to so much later: what is dated day 21.1 happens on day 21.1 to 21.8."""

HOME: Final = "https://www.nagare.example"
Pages = Sequence[tuple[str, str]]
CONTENT: Final = (
    ("/", "Nagare: schedules that hold"),
    ("/blog/lead-times", "Five reasons for long lead times"),
    ("/integrations", "Integrations"),
)
PRODUCT: Final = (("/product", "Product"), ("/product/planning", "Production planning"))
PRICING: Final = (("/pricing", "Pricing"),)
WHITEPAPERS: Final = ("Shorter lead times in 90 days", "Planning with uncertain demand", "The cost of late orders")
CAMPAIGNS: Final = ("October newsletter", "Planning tips", "Webinar invitation")
SALESPEOPLE: Final = ("Ken Mori", "Julia Brandt")


class Person(NamedTuple):
    """Whom a journey is about, as form, card and CRM tell it. Without an email address nobody knows who it is."""

    number: int
    first: str
    last: str
    company: str
    domain: str
    employees: int
    industry: str
    country: str
    title: str = ""

    @property
    def email(self) -> str:
        return f"{self.first}.{self.last}@{self.domain}".lower()

    @property
    def user_id(self) -> str:
        return f"user-{self.number}"

    @property
    def anonymous_id(self) -> str:
        return f"device-{self.number}"

    def card(self) -> dict[str, Any]:
        """Name and address, as a person leaves them."""
        return {"email": self.email, "first_name": self.first, "last_name": self.last}

    def profile(self) -> dict[str, Any]:
        """What the fit is judged by."""
        employer = {"company": self.company, "employees": self.employees, "industry": self.industry}
        return {**employer, "country": self.country, "job_title": self.title}


class Call(NamedTuple):
    """One call; `at` in Unix ms, `content` the properties or traits, or the whole answer or webhook."""

    at: int
    id: str
    sender: str
    method: Method
    who: Mapping[str, str]
    name: str
    content: Mapping[str, Any]
    context: Mapping[str, Any]


class Pen:
    """Writes the calls of one person's journey. Days count from the journey's beginning, four weeks ago."""

    def __init__(self, person: Person, start: int, random: Random) -> None:
        self.person = person
        self.calls: list[Call] = []
        self._start = start + int(random.uniform(0, SHIFT_DAYS) * DAY)
        self._now = start + int(SPAN_DAYS * DAY)
        self._random = random
        self._device = person.anonymous_id

    # --- on the site

    def visits(self, *days: float, pages: Pages = CONTENT, agent: str = BROWSER) -> None:
        """A visit on each of these days, of one to three pages."""
        for day in days:
            at = self._at(day)
            for minute in range(self._random.randint(1, 3)):
                path, title = self._random.choice(pages)
                page = {"url": HOME + path, "title": title, "path": path}
                self._add(at + minute * 2 * MINUTE, SITE, "page", self._visitor, title, page, _agent(agent))

    def whitepaper(self, day: float, agent: str = BROWSER) -> None:
        content = {"title": self._random.choice(WHITEPAPERS)}
        self._add(self._at(day), SITE, "track", self._visitor, "Whitepaper Downloaded", content, _agent(agent))

    def ebook(self, day: float) -> None:
        content = {"title": "The planner's handbook"}
        self._add(self._at(day), SITE, "track", self._visitor, "Ebook Downloaded", content, _agent(BROWSER))

    def sign_up(self, day: float, device: str | None = None, all_told: bool = False) -> None:
        """From here on the site knows who it is; `all_told`: also where the person works and as what."""
        traits = self.person.card() | (self.person.profile() if all_told else {})
        who = {"user_id": self.person.user_id, "anonymous_id": device or self._device}
        self._add(self._at(day), SITE, "identify", who, "", traits, _agent(BROWSER))

    def log_in(self, day: float) -> None:
        """The site knows a user's number, and no address."""
        who = {"user_id": self.person.user_id, "anonymous_id": self._device}
        self._add(self._at(day), SITE, "identify", who, "", {"plan": "trial"}, _agent(BROWSER))

    def newsletter(self, day: float) -> None:
        content = {"email": self.person.email, "form_id": "footer"}
        self._add(self._at(day), SITE, "track", self._visitor, "Newsletter Subscribed", content, _agent(BROWSER))

    # --- in the back office

    def known(self, day: float) -> None:
        """The CRM tells where the person works and as what."""
        traits = self.person.card() | self.person.profile()
        self._add(self._at(day), BACK_OFFICE, "identify", {"user_id": self.person.user_id}, "", traits, {})

    def form(self, day: float, name: str, message: str = "", without: str = "") -> None:
        """A form that asks for much, as the form server reports it. `without`: an answer left out."""
        answers = {**self.person.card(), **self.person.profile(), "phone": f"+81 3 5550 {self.person.number:04}"}
        answers.pop(without, None)
        if message:
            answers["message"] = message
        self._tell(self._at(day), name, answers)

    def webinar(self, day: float) -> None:
        self._tell(self._at(day), "Webinar Registered", {"name": "Schedules that hold"})

    def opened(self, *days: float, agent: str | None = None) -> None:
        """Opens of marketing mails, as the mail system reports them."""
        for day in days:
            campaign = {"campaign": self._random.choice(CAMPAIGNS)}
            self._tell(self._at(day), "Email Opened", campaign, _agent(agent) if agent else {})

    def unsubscribed(self, day: float) -> None:
        self._tell(self._at(day), "Email Unsubscribed", {"campaign": CAMPAIGNS[0]})

    def scanned(self, day: float) -> None:
        """A mail gateway follows three links of one mail within a second, as an ordinary browser: by webhook."""
        at = self._at(day)
        for turn in range(3):
            clicked = at + turn * SECOND // 4
            content = {
                "RecordType": "Click",
                "MessageID": f"mail-{self.person.number}",
                "Recipient": self.person.email,
                "ReceivedAt": rfc3339(clicked),
                "OriginalLink": f"{HOME}/news/{turn + 1}",
                "UserAgent": BROWSER,
                "Tag": CAMPAIGNS[1],
            }
            self._add(clicked, BACK_OFFICE, "mail", {}, "", content, {})

    def spoke(self, day: float) -> None:
        """The person calls sales, as the telephone system reports it."""
        rep = self._random.choice(SALESPEOPLE)
        content = {"direction": "inbound", "outcome": "connected", "sales_person": rep}
        self._tell(self._at(day), "Call Completed", content)

    def spoke_in_the_future(self, days_ahead: float) -> None:
        """A call from a system whose clock is wrong."""
        at = self._now + int(days_ahead * DAY)
        self._tell(at, "Call Completed", {"direction": "inbound", "outcome": "connected"})

    def repeat(self, times: int) -> None:
        """The newest call again, with the same id: what an SDK does that got no answer."""
        self.calls += [self.calls[-1]] * times

    def sales(self, day: float, answer: str, **said: str) -> None:
        """What sales answers by the CRM; a handoff's id is added when it is sent."""
        rep = self._random.choice(SALESPEOPLE)
        at = self._at(day)
        content = {
            "type": answer,
            "email": self.person.email,
            "sales_person": rep,
            "occurred_at": rfc3339(at),
            **said,
        }
        self._add(at, BACK_OFFICE, "feedback", {}, answer, content, {})

    # --- writing

    @property
    def _visitor(self) -> dict[str, str]:
        return {"anonymous_id": self._device}

    def _at(self, day: float) -> int:
        """That day, at an hour of its own."""
        return self._start + int(day * DAY) + int(self._random.random() * 2 * HOUR)

    def _tell(
        self, at: int, name: str, content: Mapping[str, Any], context: Mapping[str, Any] | None = None
    ) -> None:
        known = {"traits": {"email": self.person.email}, **(context or {})}
        self._add(at, BACK_OFFICE, "track", {"user_id": self.person.user_id}, name, content, known)

    def _add(
        self,
        at: int,
        sender: str,
        method: Method,
        who: Mapping[str, str],
        name: str,
        content: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> None:
        call_id = f"demo-{self.person.number}-{len(self.calls)}"
        self.calls.append(Call(at, call_id, sender, method, who, name, content, context))


def _agent(agent: str) -> dict[str, Any]:
    return {"userAgent": agent}
