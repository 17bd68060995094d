"""Which columns of a lake are not what the producer sent."""

from collections.abc import Mapping

from schemas.catalog import packaged_datasets
from schemas.classification import classification
from transforms.masking.actions import Action
from transforms.masking.policies import ruling


def masked_columns(policy: str) -> Mapping[str, frozenset[str]]:
    """Returns per packaged dataset the columns that a policy doesn't keep as they are.

    A configuration may tighten the policy, which the lake doesn't tell column by column: what it
    drops is missing, but what it redacts looks like any text.
    """
    return {
        dataset.name: frozenset(
            path.split(".")[0]
            for path, found in classification(dataset.reader).items()
            if ruling(policy, found) is not Action.KEEP
        )
        for dataset in packaged_datasets()
    }
