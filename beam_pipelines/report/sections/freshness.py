"""How far each partition has come, and how old its newest message was by then."""

from beam_pipelines.report.facts import LakeFacts, PartitionFacts
from beam_pipelines.report.markup import section
from beam_pipelines.report.tables import MOST_ROWS, Column, left_out, table
from beam_pipelines.report.wording import from_millis, micros, millis, moment, span
from transforms.lake import PartitionId


def freshness(facts: LakeFacts) -> str:
    """Returns how far each partition has come and how old its newest message was by then."""
    ranked = sorted(facts.partitions.items(), key=lambda item: (-(_lag(item[1]) or 0), item[0]))
    shown = ranked[:MOST_ROWS]
    states = [state for _, state in shown]
    return section(
        "Freshness",
        "freshness",
        [
            table(
                "Freshness of each partition",
                [
                    Column("Partition", [_name(owner, facts) for owner, _ in shown]),
                    Column("Newest event, UTC", [micros(p.event_time) for p in states]),
                    Column("Newest message, UTC", [millis(p.broker_time) for p in states]),
                    Column("Committed, UTC", [moment(p.committed) for p in states]),
                    Column("Lag", [span(_lag(p)) for p in states], right=True),
                    Column("Fence", [p.fence for p in states]),
                    Column("Commits", [p.commits for p in states]),
                ],
            ),
            left_out(len(ranked)),
        ],
        "Lag is from the broker time of a partition's newest message to S3's time of its last "
        "commit; the oldest first.",
    )


def _name(owner: PartitionId, facts: LakeFacts) -> str:
    ids = {each.topic_id for each in facts.partitions if each.topic == owner.topic}
    return str(owner) if len(ids) == 1 else f"{owner} of {owner.topic_id}"


def _lag(partition: PartitionFacts) -> float | None:
    if partition.committed is None or partition.broker_time is None:
        return None
    return (partition.committed - from_millis(partition.broker_time)).total_seconds()
