"""One person, whole: everything that is held about somebody, and its erasure through every store and connector."""
