"""A tracker that posts to the collector and remembers what was accepted."""

import asyncio
import threading
from base64 import b64encode
from collections import Counter
from typing import Final

import aiohttp

BATCH: Final = 20
PAUSE_S: Final = 0.05
TIMEOUT_S: Final = 30.0
KEY: Final = f"Basic {b64encode(b'dev:').decode()}"


class Sender:
    """Posts batches in a thread of its own. `accepted` holds the numbers in the ids of what was answered with 200,
    `answers` counts statuses (0: no answer)."""

    def __init__(self, port: int) -> None:
        self.accepted: set[bytes] = set()
        self.answers: Counter[int] = Counter()
        self._url = f"http://127.0.0.1:{port}/v1/batch"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        self._stopping.set()
        self._thread.join(2 * TIMEOUT_S)

    async def _run(self) -> None:
        headers, timeout = {"Authorization": KEY}, aiohttp.ClientTimeout(TIMEOUT_S)
        turn = 0
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            while not self._stopping.is_set():
                await self._post(session, range(turn, turn + BATCH))
                turn += BATCH
                await asyncio.sleep(PAUSE_S)

    async def _post(self, session: aiohttp.ClientSession, numbers: range) -> None:
        batch = [
            {
                "type": "page",
                "messageId": f"collected-{number}",
                "anonymousId": f"visitor-{number % 500}",
                "properties": {"url": "https://x.example/pricing"},
            }
            for number in numbers
        ]
        try:
            async with session.post(self._url, json={"batch": batch}) as answer:
                self.answers[answer.status] += 1
                if answer.status == 200:
                    self.accepted.update(str(number).encode() for number in numbers)
        except (aiohttp.ClientError, TimeoutError):
            self.answers[0] += 1
