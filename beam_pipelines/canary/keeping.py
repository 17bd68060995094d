"""Which fields a lake's masking policy keeps as they are: there a canary is no leak."""

from collections.abc import Collection
from dataclasses import dataclass

from beam_pipelines.canary.lake_buffers import DATA_FILE
from beam_pipelines.canary.manifest import Canary
from beam_pipelines.canary.places import Place
from schemas.catalog import packaged_dataset
from schemas.classification import classification
from transforms.errors import ConfigurationError
from transforms.masking import Action
from transforms.masking.policies import check_policy, ruling


@dataclass(frozen=True)
class Keeping:
    """The fields that are kept, as ``dataset.field``."""

    fields: frozenset[str]

    def allows(self, canary: Canary, place: Place) -> bool:
        """Whether the canary may stand there.

        Only in the data files of its dataset: in the column of its field, or outside of columns,
        where Parquet keeps statistics of that one. A kept field in a log is a leak all the same.
        """
        return (
            place.kind == DATA_FILE
            and place.dataset == canary.dataset
            and place.part in ("", canary.field)
            and f"{canary.dataset}.{canary.field}" in self.fields
        )


def keeping(policy: str, datasets: Collection[str], named: Collection[str] = ()) -> Keeping:
    """Returns what a policy keeps of the packaged schemas' fields.

    Args:
        policy: The lake's masking policy. Overrides can only tighten it.
        datasets: The datasets of the canaries.
        named: Further fields, ``dataset.field``: where the configuration decided to keep one that
            the policy leaves to it, such as free text.

    Raises:
        ConfigurationError: There is no such policy, dataset or field.
    """
    check_policy(policy)
    known, kept = set(), set(named)
    for dataset in datasets:
        try:
            reader = packaged_dataset(dataset).reader
        except KeyError:
            continue  # not ours: only what is named is kept
        for field, found in classification(reader).items():
            known.add(f"{dataset}.{field}")
            if ruling(policy, found) is Action.KEEP:
                kept.add(f"{dataset}.{field}")
    unknown = sorted(set(named) - known)
    if unknown:
        raise ConfigurationError(
            f"--policy_keeps names {unknown[0]}, which is no field of the canaries' datasets",
            "Write it as dataset.field",
        )
    return Keeping(frozenset(kept))
