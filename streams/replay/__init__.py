"""Replay: the same core as the workers', over a log or a file; what the live pipeline must agree with."""
