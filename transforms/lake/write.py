"""``WriteToS3``: the sink of the exactly-once path."""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from transforms.derived import DerivedTable
from transforms.errors import ConfigurationError, PipelineError
from transforms.lake.client import ObjectStore
from transforms.lake.files import DatasetLayout
from transforms.lake.lanes import PartitionOutcome, lane, outcomes
from transforms.lake.manifest import LakeSettings, check_lake, require_lake
from transforms.lake.names import PartitionId
from transforms.lake.runs import merge_outcomes, write_run
from transforms.lake.settings import StoreSettings, split_root
from transforms.lake.writer import SegmentWriter
from transforms.segment import Segment


@dataclass(frozen=True, kw_only=True)
class WriteToS3Config:
    """Where and how the lake is written.

    Attributes:
        lake_root: ``s3://bucket/prefix``; the lake owns everything below it.
        layouts: How each dataset's rows are placed in files.
        dead_letters: Derives the table that keeps what was not accepted. There is no default: a
            sink that counted dead letters and dropped them would lose data without a word.
        derived: Further tables to derive from each segment and commit along.
        lake: The settings that all runs on the lake share.
        store: Address and credentials.
        run_id: Writes the run's report under this name. Empty: no report, and a partition that
            failed makes the pipeline fail at its end, after the others have come to theirs.
        started: When the launcher began the run; for its report.
    """

    lake_root: str
    layouts: Mapping[str, DatasetLayout]
    dead_letters: DerivedTable
    derived: Sequence[DerivedTable] = ()
    lake: LakeSettings = field(default_factory=LakeSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    run_id: str = ""
    started: datetime | None = None

    def __post_init__(self) -> None:
        split_root(self.lake_root)
        if not self.layouts:
            raise ConfigurationError("layouts must name at least one dataset", "Name yours")


class WriteToS3(beam.PTransform[PCollection[Segment], PCollection[PartitionOutcome]]):  # type: ignore[misc]
    """Writes segments to the lake; gives out what became of each partition.

    Guarantees: exactly once, whatever the runner replays, whoever else writes and wherever a
    process dies: each message between a partition's start and its fence is in exactly one commit.
    Parallel over partitions; one partition is written in order. A bundle ends when what it brought
    is durable or has failed. A stream has no end, and so no report of the run.

    It must stand in one fused stage with ``ReadFromKafka``, which waits for its commits.
    """

    def __init__(self, config: WriteToS3Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, segments: PCollection[Segment]) -> PCollection[PartitionOutcome]:
        """Adds the sink and the run's report to the graph."""
        write = beam.ParDo(_WriteFn(self._config))
        written: PCollection[PartitionOutcome] = segments | "WriteSegments" >> write
        if segments.is_bounded:
            _ = (
                written
                | "CollectOutcomes" >> ToList()
                | "ReportRun" >> beam.ParDo(_ReportFn(self._config))
            )
        return written

    def display_data(self) -> dict[str, Any]:
        """Shows the lake's address; credentials are references or stay out."""
        return {"lake_root": self._config.lake_root}


class RehearseWrite(beam.PTransform[PCollection[Segment], PCollection[Segment]]):  # type: ignore[misc]
    """Makes the files that ``WriteToS3`` would store, and stores none; passes segments on.

    The last step of a rehearsal: see ``ReadFromKafkaConfig.rehearsal``.
    """

    def __init__(self, config: WriteToS3Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, segments: PCollection[Segment]) -> PCollection[Segment]:
        """Adds one step to the graph."""
        made: PCollection[Segment] = segments | "MakeFiles" >> beam.ParDo(_RehearseFn(self._config))
        return made


class _RehearseFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, config: WriteToS3Config) -> None:
        self._config = config

    def setup(self) -> None:
        self._writer = _writer(self._config)

    def process(self, segment: Segment) -> Iterator[Segment]:
        if segment.failure is None:
            self._writer.rehearse(segment)
        yield segment


class _WriteFn(beam.DoFn):  # type: ignore[misc]
    """Hands each segment to its partition's lane, which writes it while the reader reads on."""

    def __init__(self, config: WriteToS3Config) -> None:
        self._config = config

    def setup(self) -> None:
        config = self._config
        self._store = ObjectStore(config.lake_root, config.store)
        manifest = require_lake(self._store)
        check_lake(manifest, config.lake, config.lake_root)
        self._lake_id = manifest.lake_id
        self._writer = _writer(config)

    def process(self, segment: Segment) -> Iterator[PartitionOutcome]:
        owner = PartitionId(segment.topic, segment.topic_id, segment.partition)
        mine = lane(self._store, owner, self._lake_id)
        if segment.failure is not None:
            mine.fail(segment.failure)
        else:
            mine.submit(partial(self._writer.write, mine, segment))
        # Of the segment before, for which ``submit`` has waited.
        mine.box.hand_over()
        return iter(())

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for outcome in outcomes(self._store.root):
            yield WindowedValue(outcome, GlobalWindow().max_timestamp(), (GlobalWindow(),))


class _ReportFn(beam.DoFn):  # type: ignore[misc]
    """Writes the run's report, or fails if there is none to be written and a partition failed."""

    def __init__(self, config: WriteToS3Config) -> None:
        self._config = config

    def process(self, collected: list[PartitionOutcome]) -> None:
        merged = merge_outcomes(collected)
        if self._config.run_id and merged:
            store = ObjectStore(self._config.lake_root, self._config.store)
            started, finished = self._config.started, datetime.now(UTC)
            write_run(store, self._config.run_id, merged, started=started, finished=finished)
        failed = [each for each in merged if each.failure]
        if failed and not self._config.run_id:
            first = failed[0]
            raise PipelineError(
                f"{len(failed)} partitions failed, first {first.topic}[{first.partition}]: "
                f"{first.reason}",
                "Run again: each goes on from its fence",
            )


def _writer(config: WriteToS3Config) -> SegmentWriter:
    tables = (config.dead_letters, *config.derived)
    for derived in tables:
        derived.setup()
    return SegmentWriter(config.layouts, tables, _process_name())


def _process_name() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"
