"""The numbers that matter most."""

from beam_pipelines.report.facts import MASKING, LakeFacts
from beam_pipelines.report.markup import Tile, tiles
from beam_pipelines.report.wording import count, micros, moment, percent
from transforms.segment import ACCEPTED, DEAD_LETTER, FILTERED, PARKED


def headline(facts: LakeFacts) -> str:
    """Returns the numbers that matter most."""
    ends, read = facts.dispositions, facts.messages
    newest, sources = facts.newest_event, facts.partitions.values()
    behind = max((p.committed for p in sources if p.committed), default=None)
    rows = sum(dataset.rows for dataset in facts.datasets.values())
    masked = facts.versioned(MASKING)
    return tiles(
        [
            Tile(count(read), "messages read"),
            Tile(percent(ends[ACCEPTED], read), "accepted", "good" if read else ""),
            Tile(count(ends[DEAD_LETTER]), "dead letters", "warn" if ends[DEAD_LETTER] else ""),
            Tile(count(ends[FILTERED]), "filtered"),
            Tile(count(ends[PARKED]), "parked", "warn" if ends[PARKED] else ""),
            Tile(count(facts.gaps), "offsets lost in gaps", "bad" if facts.gaps else "good"),
            Tile(count(len(facts.datasets)), f"datasets, {count(rows)} rows"),
            Tile(facts.lake.policy, "masking policy" if masked else "policy, without masks"),
            Tile(micros(newest, seconds=False), "newest event, UTC"),
            Tile(moment(behind, seconds=False), "last committed, UTC"),
        ]
    )
