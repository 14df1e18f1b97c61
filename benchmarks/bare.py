"""The collector's yardstick: read the body, produce it as it is, answer when Kafka has acknowledged it.

A program of its own that imports nothing else, as whoever writes just this would have it.
"""

import asyncio
import os
import sys

import uvloop
from aiohttp import web
from aiokafka import AIOKafkaProducer


async def serve(broker: str, topic: str, port: int) -> None:
    """Until the process is ended."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all")
    await producer.start()

    async def handle(request: web.Request) -> web.Response:
        await producer.send_and_wait(topic, await request.read())
        return web.Response(body=b'{"success": true}', content_type="application/json")

    application = web.Application()
    application.router.add_post("/v1/{method}", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        await producer.stop()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2], int(os.environ["LEADSTREAMS_COLLECTOR_PORT"])))
