"""aiokafka over uvloop: to write to a connection that closed a moment ago fails as aiokafka expects it to.

asyncio's own transports ignore such a write, uvloop's raise RuntimeError. aiokafka 0.14 knows OSError only: the
error ends the task that keeps its client's metadata, in silence, and the client waits for ever, whatever the
broker does. A broker that is killed is enough, once in ten times.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError


def mend() -> None:
    """For all connections of this process; to be called before clients are made, any number of times."""
    if AIOKafkaConnection.send is not _send:
        AIOKafkaConnection.send = _send


_write = AIOKafkaConnection.send


def _send(self: Any, request: Any, expect_response: bool = True) -> Any:
    try:
        return _write(self, request, expect_response)
    except KafkaError:  # a RuntimeError too
        raise
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {self.host}:{self.port} closed") from error
