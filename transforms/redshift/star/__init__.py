"""Tables that are pure functions of the raw tables: dimensions and facts.

The raw tables hold each row of the lake once, and only grow: they are the log. A load rebuilds, for
the keys that it touches, the rows of each dimension and fact from that log. So the order in which
rows came, how they were split into loads, and what was replayed can't show.
"""

from transforms.redshift.star.calendar import CalendarTable
from transforms.redshift.star.members import MembersTable
from transforms.redshift.star.rebuild import rebuild
from transforms.redshift.star.scd2 import Scd2Table
from transforms.redshift.star.steps import refill
from transforms.redshift.star.storage import Storage
from transforms.redshift.star.table import Member, StarTable
from transforms.redshift.star.upsert import Binding, Milestone, UpsertTable

__all__ = [
    "Binding",
    "CalendarTable",
    "Member",
    "MembersTable",
    "Milestone",
    "Scd2Table",
    "StarTable",
    "Storage",
    "UpsertTable",
    "rebuild",
    "refill",
]
