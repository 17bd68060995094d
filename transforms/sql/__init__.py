"""SQL expressions over a segment's tables: rules, derived columns, window partials."""

from transforms.sql.engine import Engine, Join
from transforms.sql.expressions import Expression

__all__ = ["Engine", "Expression", "Join"]
