"""Masking a segment: the plain function behind ``MaskFields``."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from transforms.errors import RefusedError
from transforms.identifiers import LinkKeys
from transforms.masking.config import MaskConfig
from transforms.masking.keys import MaskKeys
from transforms.masking.plan import DatasetPlan, key_checks, plan_version
from transforms.secrets import resolve
from transforms.segment import KEY_CHECK, Segment


class MaskPlan:
    """The masks of all datasets of a run. Holds keys, so it is made on the worker.

    Args:
        config: The run's masks.
        root: The root key's text, or None if the policy needs none.
        link_root: The link root's text, or None if links have no key.

    Raises:
        SecretError: A root is malformed.
    """

    def __init__(self, config: MaskConfig, root: str | None, link_root: str | None = None) -> None:
        # Without its root a link would be another one, and nobody would notice.
        assert (link_root is None) == (config.link_key is None)
        keys = None
        if root is not None and config.key_version is not None:
            keys = MaskKeys(
                root, version=config.key_version, domain=config.domain, policy=config.policy
            )
        links = LinkKeys(link_root, domain=config.domain)
        self._plans = {
            name: DatasetPlan(name, config.decisions(name), mask.columns(), keys, links)
            for name, mask in config.datasets.items()
        }
        self._versions = {}
        for name in config.datasets:
            checks = key_checks(config, name, keys, links)
            named = {f"{KEY_CHECK}{key}": check for key, check in checks.items()}
            self._versions[name] = {f"masking.{name}": plan_version(config, name, checks), **named}

    @classmethod
    def resolved(cls, config: MaskConfig) -> "MaskPlan":
        """Makes the plan with the keys that the configuration refers to.

        Raises:
            SecretError: A reference names nothing, or a root is malformed.
        """
        roots = [resolve(name) if name else None for name in (config.key, config.link_key)]
        return cls(config, *roots)

    def mask(self, dataset: str, table: pa.Table) -> pa.Table:
        """Returns a dataset's table masked.

        Raises:
            RefusedError: The dataset, or a column of it, has no class.
        """
        return self._plan(dataset).mask(table)

    def versions(self, dataset: str) -> dict[str, str]:
        """Returns what the masked values depend on, for the commit.

        ``masking.DATASET``: see ``plan_version``; ``key.NAME``: see ``key_checks``.
        """
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
    versions = dict(segment.versions)
    for name in segment.rows:
        versions |= plan.versions(name)
    return replace(segment, rows=rows, versions=versions)
