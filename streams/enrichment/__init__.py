"""What an event says when it is read closely: pure functions on documents, offline, each of them optional."""
