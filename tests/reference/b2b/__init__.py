"""The `b2b` model once more: slow, obvious, and written without looking at the real core."""
