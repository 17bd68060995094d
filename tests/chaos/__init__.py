"""The fault suite: a job under a steady stream, with one process after the other killed.

    python -m tests.chaos --runner direct --kills 60 --seed 1

The seed decides on the messages and on the faults, so a run that failed is made again by its seed.
"""
