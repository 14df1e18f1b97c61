"""What may go wrong with a partition, and whether it passes by itself."""

from typing import Final

from aiokafka import errors
from aiokafka.errors import KafkaError

from streams.lane.restore import Stalled


class Refusal(Exception):
    """The partition must not be taken over: one line that says why and what to do."""


class Unconfirmed(Exception):
    """A flush did not end in a confirmed commit: the state may be ahead of what is durable."""


_TRANSIENT: Final = (KafkaError, errors.IllegalOperation, OSError, TimeoutError, Stalled, Unconfirmed)
"""IllegalOperation is no KafkaError: aiokafka raises it when a transaction ended while it was being filled, since
somebody fenced it."""

_PERMANENT: Final = {
    errors.MessageSizeTooLargeError.errno,
    errors.RecordListTooLargeError.errno,
    errors.InvalidTopicError.errno,
    errors.TopicAuthorizationFailedError.errno,
    errors.GroupAuthorizationFailedError.errno,
    errors.ClusterAuthorizationFailedError.errno,
    errors.TransactionalIdAuthorizationFailed.errno,
}
"""A new attempt would meet the same refusal."""


def passes(error: BaseException) -> bool:
    """Whether a later attempt may succeed with nothing changed."""
    permanent = isinstance(error, KafkaError) and getattr(error, "errno", None) in _PERMANENT
    return isinstance(error, _TRANSIENT) and not permanent
