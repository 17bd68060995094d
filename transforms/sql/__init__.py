"""SQL expressions over a segment's tables: rules, derived columns, window partials."""

from transforms.sql.engine import Engine, EvaluationError, Function, Join
from transforms.sql.expressions import Expression

__all__ = ["Engine", "EvaluationError", "Expression", "Function", "Join"]
