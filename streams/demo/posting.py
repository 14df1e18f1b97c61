"""What comes by plain HTTP and not by a tracker: answers of sales from the CRM, webhooks of the mail system."""

from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

import msgspec

from streams.broker import LOOPBACK
from streams.demo.journey import BACK_OFFICE, Call
from streams.demo.patience import Failed

MAIL_SECRET: Final = "postmark:demo-webhooks"  # noqa: S105  of a collector that lives as long as the demo
HOOKS: Final = f"""[[hooks]]
name = "mail-system"
provider = "postmark"
secrets = ["{MAIL_SECRET}"]
"""
"""The demo's hooks file: which webhooks the collector takes."""

PATHS: Final = {"feedback": ("/v1/feedback", f"{BACK_OFFICE}:"), "mail": ("/hooks/postmark", MAIL_SECRET)}
"""By method: where a call goes, and who vouches for it."""
TIMEOUT_S: Final = 5.0


def post(port: int, call: Call, handoff_id: str | None) -> None:
    """Send a call of sales or of the mail system; an answer names the handoff it is about. Raises Failed."""
    path, user = PATHS[call.method]
    content: Mapping[str, Any] = call.content
    if call.method == "feedback":
        content = {**content, "event_id": call.id, **({"handoff_id": handoff_id} if handoff_id else {})}
    headers = {
        "content-type": "application/json",
        "authorization": "Basic " + b64encode(user.encode()).decode(),
    }
    connection = HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, msgspec.json.encode(content), headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise Failed(f"the collector did not take {call.name or call.method}: {error}") from None
    finally:
        connection.close()
    if status != 200:
        raise Failed(f"the collector answered {status} to {call.name or call.method}")
