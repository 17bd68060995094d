"""The packaged datasets: what each topic carries, and which schema version readers decode it to."""

import functools
import importlib.resources
from dataclasses import dataclass

from schemas.model import AvroSchema

__all__ = ["Dataset", "packaged_dataset", "packaged_datasets"]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One kind of event or reference row.

    Attributes:
        name: Names the dataset in the lake, such as ``dispense_event``.
        topic: The topic that carries it where nothing else is configured.
        versions: Its schemas, oldest first: version 1, 2, ...
        reader_version: The version that every message is resolved to. Newer ones are those that
            producers may already write.
        event_time: Field of the business time, timestamp-micros.
        key: Fields that identify a row; two rows with one key are copies or versions of a thing.
    """

    name: str
    topic: str
    versions: tuple[AvroSchema, ...]
    reader_version: int
    event_time: str
    key: tuple[str, ...]

    @property
    def reader(self) -> AvroSchema:
        """The schema that every message is resolved to."""
        return self.schema(self.reader_version)

    def schema(self, version: int) -> AvroSchema:
        """Returns the schema of a version.

        Raises:
            KeyError: There is no such version.
        """
        if not 1 <= version <= len(self.versions):
            raise KeyError(f"version of {self.name} must be 1 to {len(self.versions)}")
        return self.versions[version - 1]


def packaged_dataset(name: str) -> Dataset:
    """Returns the packaged dataset of that name.

    Raises:
        KeyError: There is none; the message lists those there are.
    """
    if name not in _CONTRACTS:
        raise KeyError(f"dataset must be one of {', '.join(_CONTRACTS)}, got {name!r}")
    return _load(name)


def packaged_datasets() -> tuple[Dataset, ...]:
    """Returns all packaged datasets, events first."""
    return tuple(_load(name) for name in _CONTRACTS)


@dataclass(frozen=True)
class _Contract:
    topic: str
    newest: int
    reader: int
    event_time: str
    key: tuple[str, ...]


_CONTRACTS = {
    "dispense_event": _Contract("pharmacy.dispense", 3, 2, "event_time", ("event_id",)),
    "patient_update": _Contract("pharmacy.patients", 3, 2, "event_time", ("event_id",)),
    "inventory_movement": _Contract("pharmacy.inventory", 1, 1, "event_time", ("event_id",)),
    "pharmacy_ref": _Contract(
        "pharmacy.ref.pharmacies", 1, 1, "effective_from", ("pharmacy_ncpdp_id",)
    ),
    "drug_ref": _Contract("pharmacy.ref.drugs", 1, 1, "effective_from", ("ndc11",)),
    "prescriber_ref": _Contract("pharmacy.ref.prescribers", 1, 1, "effective_from", ("npi",)),
}


@functools.cache
def _load(name: str) -> Dataset:
    contract = _CONTRACTS[name]
    folder = importlib.resources.files("schemas") / "avsc" / name
    versions = tuple(
        AvroSchema.parse((folder / f"v{version}.avsc").read_text("utf-8"))
        for version in range(1, contract.newest + 1)
    )
    return Dataset(
        name=name,
        topic=contract.topic,
        versions=versions,
        reader_version=contract.reader,
        event_time=contract.event_time,
        key=contract.key,
    )
