"""What the command shows: tables for people, JSON for scripts."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

import orjson
from rich import box
from rich.table import Table
from rich.text import Text

from beam_pipelines.terminal import console
from transforms.masking import DatasetMask, Difference, Explained, kept_times

_STYLES: Final = {
    "keep": "dim",
    "drop": "bold red",
    "redact": "red",
    "pseudonym": "cyan",
    "date_shift": "yellow",
    "year": "yellow",
    "age_band": "yellow",
    "zip3": "yellow",
    "link": "cyan",
}
_REFUSED: Final = Text("refused", style="bold white on red")
_CHANGES: Final = {"tighter": "green", "looser": "bold red", "other": "yellow"}
_NONE: Final = "NONE"


def say_explained(
    rows: Sequence[Explained],
    datasets: Mapping[str, DatasetMask],
    *,
    policy: str,
    form: str,
    everything: bool,
) -> None:
    """Shows what becomes of each field.

    Args:
        rows: The fields, by dataset.
        datasets: Their masks.
        policy: The policy's name.
        form: ``table`` or ``json``; JSON has all fields.
        everything: Show fields of class ``NONE`` that are kept, too.
    """
    if form == "json":
        _write([asdict(row) for row in rows])
        return
    out = console()
    for dataset, group in groupby(rows, key=lambda row: row.dataset):
        fields = list(group)
        shown = [row for row in fields if everything or not _plain(row)]
        if shown:
            out.print(_explained_table(f"{dataset}, policy {policy}", shown))
        if len(fields) > len(shown):
            out.print(f"{dataset}: {len(fields) - len(shown)} fields of class NONE are kept\n")
    for row in rows:
        if row.problem:
            out.print(f"[bold red]refused:[/] {row.problem}", soft_wrap=True)
    for name in kept_times(rows, datasets):
        out.print(
            f"[yellow]note:[/] {name} is kept, as windows need it; beside a shifted date it tells "
            "the patient's shift. Leave event times out of what you pass on.",
            soft_wrap=True,
        )


def say_diff(
    differences: Sequence[Difference],
    left: str,
    right: str,
    *,
    datasets: Mapping[str, DatasetMask],
    form: str,
) -> None:
    """Shows the fields that two policies treat differently, and the links, which none changes.

    Args:
        differences: The fields, by dataset.
        left: The first policy.
        right: The second policy.
        datasets: The masks that were compared.
        form: ``table`` or ``json``; JSON has the differences only.
    """
    if form == "json":
        _write([asdict(one) for one in differences])
        return
    if differences:
        console().print(_diff_table(differences, left, right))
    else:
        console().print(f"{left} and {right} treat every field alike")
    links = [f"{dataset}.{name}" for dataset, mask in datasets.items() for name in mask.links]
    if links:
        console().print(f"link, under both: {', '.join(links)}")


def _diff_table(differences: Sequence[Difference], left: str, right: str) -> Table:
    table = _table(f"{left} against {right}", "field", "class", left, right, f"{right} is")
    for _, group in groupby(differences, key=lambda one: one.dataset):
        for one in group:
            table.add_row(
                f"{one.dataset}.{one.field}",
                one.cls,
                _action(one.left),
                _action(one.right),
                Text(one.change, style=_CHANGES[one.change]),
            )
        table.add_section()
    return table


def _plain(row: Explained) -> bool:
    return row.cls == _NONE and row.action == "keep"


def _explained_table(title: str, rows: Sequence[Explained]) -> Table:
    table = _table(title, "field", "class", "hint", "action", "example", "becomes")
    for row in rows:
        action = _action(row.action)
        if row.origin == "override":
            action = Text.assemble(action, (" (override)", "dim"))
        table.add_row(row.field, row.cls, row.hint, action, _shown(row.before), _after(row))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _action(action: str | None) -> Text:
    return _REFUSED.copy() if action is None else Text(action, style=_STYLES[action])


def _after(row: Explained) -> Text:
    if row.action in (None, "drop"):
        return Text("-" if row.action else "?", style="dim")
    return Text(_shown(row.after), style=_STYLES[str(row.action)])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    return "null" if value is None else str(value)


def _write(rows: Sequence[Mapping[str, Any]]) -> None:
    body = orjson.dumps(rows, option=orjson.OPT_INDENT_2, default=_jsonable)
    sys.stdout.write(f"{body.decode()}\n")


def _jsonable(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
