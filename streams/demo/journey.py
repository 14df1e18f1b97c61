"""What one lead does in the demo, as the calls that a site and its back office make on a tracker's SDK."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final, Literal, NamedTuple

from streams.scoring.instant import DAY, HOUR, MINUTE

Method = Literal["page", "identify", "track"]

SITE: Final = "browser-site"
"""Write key of the web site: what comes by it is trusted as far as a browser is."""
BACK_OFFICE: Final = "back-office"
"""Write key of mail and sales systems: a secret, so trusted."""

BROWSER: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
)
CRAWLER: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
LINK_SCANNER: Final = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"

SPAN_DAYS: Final = 28.0
"""The stream covers the four weeks before now: within the 30 days of every rule."""

HOME: Final = "https://www.nagare.example"
PAGES: Final = (
    ("/", "Nagare: schedules that hold"),
    ("/product", "Product"),
    ("/product/planning", "Production planning"),
    ("/pricing", "Pricing"),
    ("/customers", "Customers"),
    ("/blog/lead-times", "Five reasons for long lead times"),
    ("/integrations", "Integrations"),
)
WHITEPAPERS: Final = ("Shorter lead times in 90 days", "Planning with uncertain demand", "The cost of late orders")
CAMPAIGNS: Final = ("October newsletter", "Planning tips", "Webinar invitation")
SALESPEOPLE: Final = ("Ken Mori", "Julia Brandt")


class Person(NamedTuple):
    """Whom a journey is about. Without an email address nobody knows who it is."""

    number: int
    first: str
    last: str
    company: str
    domain: str
    title: str

    @property
    def email(self) -> str:
        return f"{self.first}.{self.last}@{self.domain}".lower()

    @property
    def user_id(self) -> str:
        return f"user-{self.number}"

    @property
    def anonymous_id(self) -> str:
        return f"device-{self.number}"


class Call(NamedTuple):
    """One call of the SDK; `at` in Unix ms, `content` the properties or traits."""

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

    def __init__(self, person: Person, start: int, random: Random, steady: bool = False) -> None:
        self.person = person
        self.calls: list[Call] = []
        self._pace = 1.0 if steady else random.uniform(0.75, 1.0)  # some are quicker, and begin later
        self._start = start + int(random.uniform(0, SPAN_DAYS * (1 - self._pace)) * DAY)
        self._now = start + int(SPAN_DAYS * DAY)
        self._random = random
        self._device = person.anonymous_id

    # --- on the site

    def visits(self, number: int, first: float, last: float, agent: str = BROWSER) -> None:
        """Visits on as many days, of one to three pages each."""
        for turn in range(number):
            at = self._at(first + (last - first) * turn / max(number - 1, 1))
            for minute in range(self._random.randint(1, 3)):
                path, title = self._random.choice(PAGES)
                page = {"url": HOME + path, "title": title, "path": path}
                self._add(at + minute * 2 * MINUTE, SITE, "page", self._visitor, title, page, _agent(agent))

    def whitepaper(self, day: float, agent: str = BROWSER) -> None:
        title = self._random.choice(WHITEPAPERS)
        content = {"title": title}
        self._add(self._at(day), SITE, "track", self._visitor, "Whitepaper Downloaded", content, _agent(agent))

    def sign_up(self, day: float, device: str | None = None) -> None:
        """From here on the site knows who it is."""
        person = self.person
        traits = {
            "email": person.email,
            "first_name": person.first,
            "last_name": person.last,
            "company": person.company,
            "job_title": person.title,
        }
        who = {"user_id": person.user_id, "anonymous_id": device or self._device}
        self._add(self._at(day), SITE, "identify", who, "", traits, _agent(BROWSER))

    def log_in(self, day: float) -> None:
        """The site knows a user's number, and no address."""
        who = {"user_id": self.person.user_id, "anonymous_id": self._device}
        self._add(self._at(day), SITE, "identify", who, "", {"plan": "trial"}, _agent(BROWSER))

    def newsletter(self, day: float) -> None:
        content = {"email": self.person.email, "form_id": "footer"}
        self._add(self._at(day), SITE, "track", self._visitor, "Newsletter Subscribed", content, _agent(BROWSER))

    # --- in the back office

    def opened(self, *days: float, agent: str | None = None) -> None:
        """Opens of marketing mails, as the mail system reports them."""
        for day in days:
            campaign = {"campaign": self._random.choice(CAMPAIGNS)}
            self._tell(self._at(day), "Email Opened", campaign, _agent(agent) if agent else {})

    def spoke(self, day: float) -> None:
        """A conversation with sales, as the telephone system reports it."""
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

    def spoke_without_address(self, day: float) -> None:
        """A conversation with a user of whom the back office, too, knows only the number."""
        who = {"user_id": self.person.user_id}
        self._add(self._at(day), BACK_OFFICE, "track", who, "Call Completed", {"outcome": "connected"}, {})

    # --- writing

    @property
    def _visitor(self) -> dict[str, str]:
        return {"anonymous_id": self._device}

    def _at(self, day: float) -> int:
        """That day, at an hour of its own (the order of a journey's days is kept)."""
        return self._start + int(day * self._pace * DAY) + int(self._random.random() * 2 * HOUR)

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
