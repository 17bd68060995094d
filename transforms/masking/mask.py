"""Masking a segment: the plain function behind ``MaskFields``."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from transforms.errors import RefusedError
from transforms.masking.config import MaskConfig
from transforms.masking.keys import MaskKeys
from transforms.masking.plan import DatasetPlan, plan_version
from transforms.segment import Segment


class MaskPlan:
    """The masks of all datasets of a run. Holds keys, so it is made on the worker.

    Args:
        config: The run's masks.
        root: The root key's text, or None if the policy needs none.

    Raises:
        SecretError: The root key is malformed.
    """

    def __init__(self, config: MaskConfig, root: str | None) -> None:
        keys = None
        if root is not None and config.key_version is not None:
            keys = MaskKeys(
                root, version=config.key_version, domain=config.domain, policy=config.policy
            )
        self._plans = {
            name: DatasetPlan(name, config.decisions(name), mask.columns(), keys)
            for name, mask in config.datasets.items()
        }
        self._versions = {name: plan_version(config, name, keys) for name in config.datasets}

    def mask(self, dataset: str, table: pa.Table) -> pa.Table:
        """Returns a dataset's table masked.

        Raises:
            RefusedError: The dataset, or a column of it, has no class.
        """
        return self._plan(dataset).mask(table)

    def version(self, dataset: str) -> str:
        """Returns what the masked values depend on; see ``plan_version``."""
        return self._versions[dataset]

    def _plan(self, dataset: str) -> DatasetPlan:
        if dataset not in self._plans:
            raise RefusedError(
                f"the dataset {dataset} has no masks, so its rows may hold anything",
                "Add it to the masked datasets of the configuration",
            )
        return self._plans[dataset]

    def __reduce__(self) -> Any:
        raise TypeError("masks hold keys: make them on the worker")


def mask(segment: Segment, plan: MaskPlan) -> Segment:
    """Masks the rows of a segment; which rows there are, and their order, stays.

    A pure function of the rows and the plan, so that a segment masked whole equals the same one
    masked in pieces.

    Raises:
        RefusedError: A dataset or a column has no class: nothing of the segment goes on.
    """
    rows = {name: plan.mask(name, table) for name, table in segment.rows.items()}
    versions = {f"masking.{name}": plan.version(name) for name in segment.rows}
    return replace(segment, rows=rows, versions={**segment.versions, **versions})
