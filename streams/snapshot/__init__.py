"""Snapshots: the records of every partition with the positions at which they stand, in one file. From it a replay
or a rebuild begins where the log no longer goes back to the beginning."""
