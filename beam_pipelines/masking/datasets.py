"""The masks of datasets: whose dates they are, and when an event was."""

from collections.abc import Iterable
from typing import Final

from schemas.catalog import packaged_dataset, packaged_datasets
from schemas.model import AvroSchema
from transforms.errors import ConfigurationError
from transforms.masking import DatasetMask

#: What the columns are called wherever nothing else is said.
_PATIENT: Final = "patient_id"
_COUNTRY: Final = "country"


def dataset_mask(schema: AvroSchema, event_time: str) -> DatasetMask:
    """Returns the mask of a dataset by the usual names of its columns.

    Args:
        schema: Its reader schema.
        event_time: The column of the event time.
    """
    names = {field.name for field in schema.fields}
    return DatasetMask(
        schema=schema,
        patient=_PATIENT if _PATIENT in names else None,
        country=_COUNTRY if _COUNTRY in names else None,
        reference_time=event_time,
    )


def packaged_masks(names: Iterable[str] | None = None) -> dict[str, DatasetMask]:
    """Returns the masks of packaged datasets, all of them where no names are given.

    Raises:
        ConfigurationError: There is no such dataset.
    """
    known = [dataset.name for dataset in packaged_datasets()]
    return {name: _mask(name, known) for name in (known if names is None else names)}


def _mask(name: str, known: list[str]) -> DatasetMask:
    if name not in known:
        raise ConfigurationError(
            f"there is no packaged dataset {name!r}", f"Name one of {', '.join(known)}"
        )
    dataset = packaged_dataset(name)
    return dataset_mask(dataset.reader, dataset.event_time)
