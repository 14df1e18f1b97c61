"""The demo: a whole pipeline on this machine, a month of a software company's leads, and an account of it.

It checks itself: each story's end is known beforehand, and every event must be scored, a known repeat or a dead
letter. It ends by itself, within a minute.
"""
