"""Questions of the business, answered by the warehouse."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from beam_pipelines.warehouse.star.model import QuestionConfig
from transforms.redshift import Session
from transforms.redshift.sql import quoted


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the warehouse says.

    Attributes:
        name: The question's name.
        title: The question, in words.
        columns: Names of the columns.
        rows: The rows, in the question's order.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def ask(session: Session, schema: str, questions: Mapping[str, QuestionConfig]) -> Iterator[Answer]:
    """Yields the answers, in the questions' order.

    Args:
        session: Of a user who may read the views, such as an analyst.
        schema: The schema.
        questions: By name.

    Raises:
        WarehouseError: A question can't be answered; says why.
    """
    for name, question in questions.items():
        columns, rows = session.select(question.sql.replace("{schema}", quoted(schema)))
        yield Answer(name=name, title=question.title, columns=columns, rows=rows)


def as_text(value: Any) -> str:
    """Returns a value for people: two digits after the point at most, times to the minute."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, float | Decimal):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
