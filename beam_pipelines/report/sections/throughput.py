"""Messages over broker time, and the runs that committed them."""

from collections import Counter
from typing import Final

import numpy as np

from beam_pipelines.report.charts import stacked_steps
from beam_pipelines.report.facts import LakeFacts
from beam_pipelines.report.markup import heading, note, section
from beam_pipelines.report.plots import Plot
from beam_pipelines.report.tables import Column, table
from beam_pipelines.report.timeline import Timeline, timeline
from beam_pipelines.report.wording import millis, moment, span
from transforms.lake import Run

#: Layers of the plot over time; the smaller topics share the last.
MOST_TOPICS: Final = 6


def throughput(facts: LakeFacts) -> str:
    """Returns messages over broker time, and the runs."""
    line = timeline({name: topic.arrivals for name, topic in facts.topics.items()})
    return section(
        "Throughput",
        "throughput",
        [
            "" if line is None else _over_time(line),
            heading("Runs"),
            _runs(facts.runs) if facts.runs else note("No run has left a report."),
        ],
    )


def _over_time(line: Timeline) -> str:
    totals = {name: float(values.sum()) for name, values in line.counts.items()}
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    shown, rest = ranked[:MOST_TOPICS], ranked[MOST_TOPICS:]
    if rest:
        shown, rest = ranked[: MOST_TOPICS - 1], ranked[MOST_TOPICS - 1 :]
    layers = {name: line.counts[name] for name in shown}
    if rest:
        layers[f"{len(rest)} others"] = np.sum([line.counts[name] for name in rest], axis=0)
    first, last = (millis(int(line.edges[at])) for at in (0, -1))
    plot = Plot(
        name="arrivals",
        title="Messages by topic over broker time",
        text=f"From {first} to {last} UTC: "
        + ", ".join(f"{name} {layers[name].sum():,.0f}" for name in layers)
        + " messages.",
        caption=f"Messages per {span(line.width_s)} of broker time (UTC). A commit's messages are "
        "spread evenly over the time that it covers.",
    )
    return stacked_steps(plot, line.edges, layers, "messages")


def _runs(runs: list[Run]) -> str:
    newest = runs[::-1]
    rates = [_rate(run) for run in newest]
    return table(
        "Runs, the newest first",
        [
            Column("Run", [run.run_id for run in newest]),
            Column("Started, UTC", [moment(run.started) for run in newest]),
            Column("Took", [span(run.seconds) for run in newest], right=True),
            Column("Messages", [run.messages for run in newest], bars=True),
            Column("A second", rates),
            Column("Partitions", [len(run.partitions) for run in newest]),
            Column("Ended", [_ending(run) for run in newest]),
        ],
    )


def _rate(run: Run) -> int | None:
    return round(run.messages / run.seconds) if run.seconds else None


def _ending(run: Run) -> str:
    kinds = Counter(each.failure for each in run.partitions if each.failure)
    if kinds:
        return ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return "with gaps" if any(each.gaps for each in run.partitions) else "complete"
