"""The masks of the packaged datasets: whose dates they are, and when an event was."""

from collections.abc import Iterable
from typing import Final

from schemas.catalog import packaged_dataset, packaged_datasets
from transforms.errors import ConfigurationError
from transforms.masking import DatasetMask

_PATIENT: Final = {"dispense_event": "patient_id", "patient_update": "patient_id"}
_COUNTRY: Final = {"patient_update": "country"}


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
    return DatasetMask(
        schema=dataset.reader,
        patient=_PATIENT.get(name),
        reference_time=dataset.event_time,
        country=_COUNTRY.get(name),
    )
