"""What values a column of a table may hold, checked on whole Arrow columns."""

from transforms.limits.limit import Limit
from transforms.limits.nested import JsonBytes, NestedTextBytes
from transforms.limits.ranges import DayRange, TimeRange
from transforms.limits.texts import MostBytes, NoNul

__all__ = [
    "DayRange",
    "JsonBytes",
    "Limit",
    "MostBytes",
    "NestedTextBytes",
    "NoNul",
    "TimeRange",
]
