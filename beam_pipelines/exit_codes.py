"""What the commands tell a scheduler."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the main job; the other commands use the first three likewise."""

    COMPLETE = 0  # all that was there is committed and loaded; or: the check holds
    FAILED = 1  # anything else; or: the check found something broken
    REFUSED = 2  # refused or could not start, nothing touched; or: could not be checked
    CONTENTION = 3  # another writer owns the lake
    GAPS = 4  # complete, but the broker had deleted messages before they could be read
