"""The benchmark's job on other stream processors, as their own users would write it.

Each folder is a program of its own, run in an environment of its own; nothing here is imported by the pipeline.
"""
