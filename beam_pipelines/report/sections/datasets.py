"""What the lake holds."""

from beam_pipelines.report.facts import LakeFacts
from beam_pipelines.report.markup import section
from beam_pipelines.report.tables import Column, table
from beam_pipelines.report.wording import micros, size


def datasets(facts: LakeFacts) -> str:
    """Returns what the lake holds."""
    listed = sorted(facts.datasets.items())
    sizes = [each for _, each in listed]
    return section(
        "Datasets",
        "datasets",
        [
            table(
                "Datasets of the lake",
                [
                    Column("Dataset", [name for name, _ in listed]),
                    Column("Rows", [each.rows for each in sizes], bars=True),
                    Column("Files", [each.files for each in sizes]),
                    Column("Size", [size(each.bytes) for each in sizes], right=True),
                    Column("Events from, UTC", [_end(each.event_time, 0) for each in sizes]),
                    Column("to, UTC", [_end(each.event_time, 1) for each in sizes]),
                ],
            )
        ],
    )


def _end(times: tuple[int, int] | None, which: int) -> str:
    return micros(None if times is None else times[which])
