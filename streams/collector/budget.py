"""A bound on the bytes that requests hold at once: when it is reached senders are told to come again."""

IN_FLIGHT_LIMIT = 64 * 1024 * 1024
"""Bytes. A second and more of traffic at full load; far below what a small machine has."""


class Budget:
    """Bytes that may still be held."""

    def __init__(self, limit: int = IN_FLIGHT_LIMIT) -> None:
        self._limit = limit
        self.held = 0

    def reserve(self, size: int) -> bool:
        """Take `size` bytes; False, and nothing taken, if that is too much."""
        if self.held + size > self._limit:
            return False
        self.held += size
        return True

    def release(self, size: int) -> None:
        """Give back what was reserved."""
        self.held -= size
