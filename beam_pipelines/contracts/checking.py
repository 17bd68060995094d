"""The check: are the packaged schemas compatible with what is registered?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from beam_pipelines.contracts.subjects import SubjectPattern
from schemas.catalog import Dataset
from schemas.compatibility import Incompatibility, Level, check
from schemas.registries import RegisteredSchema, SchemaRegistry

__all__ = ["DatasetReport", "Finding", "check_datasets"]


@dataclass(frozen=True)
class Finding:
    """A packaged version and a registered one that don't fit.

    Attributes:
        packaged_version: The packaged one.
        registered_version: The registered one.
        incompatibility: The field, the rule and the remedy.
    """

    packaged_version: int
    registered_version: int
    incompatibility: Incompatibility


@dataclass(frozen=True)
class DatasetReport:
    """What came out for one dataset.

    Attributes:
        dataset: Its name.
        subject: Where it was looked for.
        registered: How many versions are registered; 0 if the subject is unknown.
        findings: Empty if all is compatible.
    """

    dataset: str
    subject: str
    registered: int
    findings: tuple[Finding, ...]


def check_datasets(
    datasets: Iterable[Dataset], registry: SchemaRegistry, level: Level, pattern: SubjectPattern
) -> list[DatasetReport]:
    """Checks datasets against a registry.

    Two things must hold for each: its newest packaged version keeps the level towards the versions
    registered before it, and the version that pipelines read with can read all that is registered,
    since old messages stay in topics and new producers don't wait for readers.

    Args:
        datasets: The packaged datasets.
        registry: What they are checked against.
        level: What the newest version must keep. With ``NONE`` nothing is checked.
        pattern: Names the subjects.

    Raises:
        SchemasError: The registry can't be read.
    """
    return [_report(dataset, registry, level, pattern.subject(dataset)) for dataset in datasets]


def _report(
    dataset: Dataset, registry: SchemaRegistry, level: Level, subject: str
) -> DatasetReport:
    registered = registry.versions(subject)
    findings: list[Finding] = []
    if level is not Level.NONE:
        for finding in _findings(dataset, registered, level):
            if finding not in findings:
                findings.append(finding)
    return DatasetReport(dataset.name, subject, len(registered), tuple(findings))


def _findings(
    dataset: Dataset, registered: Sequence[RegisteredSchema], level: Level
) -> Iterator[Finding]:
    newest = len(dataset.versions)
    before = _before(registered, dataset, newest)
    yield from _compare(dataset, newest, before, level)
    yield from _compare(dataset, dataset.reader_version, registered, Level.BACKWARD_TRANSITIVE)


def _before(
    registered: Sequence[RegisteredSchema], dataset: Dataset, newest: int
) -> Sequence[RegisteredSchema]:
    """The versions before the newest packaged one; all, if that isn't registered yet."""
    schema = dataset.schema(newest)
    places = [place for place, one in enumerate(registered) if one.schema == schema]
    return registered[: places[0]] if places else registered


def _compare(
    dataset: Dataset, version: int, registered: Sequence[RegisteredSchema], level: Level
) -> Iterator[Finding]:
    schemas = [one.schema for one in registered]
    words = ("packaged", "registered")
    for found in check(dataset.schema(version), schemas, level, words=words):
        yield Finding(version, registered[found.against].version, found)
