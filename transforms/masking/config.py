"""What a run masks, and how: checked in full when the pipeline is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from schemas.arrow_types import arrow_schema
from schemas.classification import Classification, classification, unclassified
from schemas.model import AvroSchema
from transforms.errors import ConfigurationError
from transforms.identifiers import Link, LinkKeys
from transforms.masking.actions import KEYED, Action, is_date, is_text
from transforms.masking.decisions import Columns, Decision, Overrides, decide
from transforms.masking.linking import check_links, hidden_part
from transforms.masking.policies import check_policy
from transforms.secrets import resolve


@dataclass(frozen=True, kw_only=True)
class DatasetMask:
    """What is known of a dataset's columns.

    Attributes:
        schema: Its reader schema, whose fields are classified; or
        classes: field -> class, for a dataset without one. Types are then checked on the rows.
        patient: The column whose patient a row's dates belong to; ``date_shift`` needs it.
        reference_time: The dataset's event time: the day at which an age counts.
        country: The column of the country that ZIP codes are of; none: the United States.
        derived: Columns that ``MapTables`` adds -> class, or class and hint.
        links: Columns that the masks add -> the link that each holds.
    """

    schema: AvroSchema | None = None
    classes: Mapping[str, Classification] | None = None
    patient: str | None = None
    reference_time: str | None = None
    country: str | None = None
    derived: Mapping[str, str | Classification] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.schema is None) == (self.classes is None):
            raise ConfigurationError(
                "a dataset's mask must have either schema or classes", "Give one of the two"
            )

    def columns(self) -> Columns:
        """Returns the columns' classes and, where known, their types."""
        classes: dict[str, Classification | None] = {}
        types: dict[str, pa.DataType] = {}
        if self.schema is not None:
            found = classification(self.schema)
            classes |= dict.fromkeys(unclassified(self.schema)) | found
            types = {column.name: column.type for column in arrow_schema(self.schema)}
        classes |= self.classes or {}
        fields = {path.partition(".")[0] for path in classes}
        for name, cls in self.derived.items():
            if name in fields:
                # It would replace the field's class, and could loosen it.
                raise ConfigurationError(
                    f"the derived column {name} has the name of a field", "Give it another name"
                )
            classes[name] = Classification(cls) if isinstance(cls, str) else cls
        columns = Columns(
            classes=classes,
            types=types,
            patient=self.patient,
            reference_time=self.reference_time,
            country=self.country,
            links=self.links,
        )
        _check_roles(columns)
        check_links(columns.links, columns.names, columns.types)
        return columns


def _check_roles(columns: Columns) -> None:
    for role in ("patient", "reference_time", "country"):
        name = getattr(columns, role)
        if name is not None and name not in columns.names:
            raise ConfigurationError(f"{role} is {name}, which is no column", "Name a column")
        kind = columns.types.get(name)
        right = is_date if role == "reference_time" else is_text
        if kind is not None and not right(kind):
            raise ConfigurationError(f"{role} is {name}, which is {kind}", "Name another column")


#: Domain, policy and class are joined by it in the derivation of keys.
_SEPARATOR: Final = "|"


@dataclass(frozen=True, kw_only=True)
class MaskConfig:
    """The masking policy of a lake and what it applies to.

    Attributes:
        policy: ``ops``, ``limited`` or ``pseudonymised``.
        domain: Within one domain pseudonyms join; it stands in ``_lake.json``.
        key: Reference to the root key (32 bytes, Base64 or hexadecimal), resolved on the worker.
        key_version: The root key's version, from 1 on. Pinned: never "the latest".
        link_key: Reference to the root of links, which is never rotated: when ``key`` is, it stays
            what it was. None makes links without a key, where all that they are of is kept anyway.
        overrides: ``dataset.field`` -> action. They tighten the policy, and decide on free text.
        datasets: dataset -> its mask; rows of any other are refused.

    Raises:
        ConfigurationError: A field has no class, one that no policy knows, or no decision; an
            override loosens; an action doesn't fit a field's type, or lacks what it needs; a link
            is of columns that can't be linked, or would tell without a key what a mask hides.
    """

    policy: str
    domain: str = ""
    key: str | None = None
    key_version: int | None = None
    link_key: str | None = None
    overrides: Mapping[str, Action | str] = field(default_factory=dict)
    datasets: Mapping[str, DatasetMask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_policy(self.policy)
        if _SEPARATOR in self.domain:
            raise ConfigurationError(f"domain must not hold {_SEPARATOR!r}", "Leave it out")
        decided = [one for name in self.datasets for one in self.decisions(name)]
        Overrides(self.overrides).check([one.name for one in decided])
        for one in decided:
            if one.problem:
                raise ConfigurationError(one.problem, one.remedy)
        keyed = next((one for one in decided if one.action in KEYED), None)
        if keyed is not None:
            self._check_key(keyed)
        for name, mask in self.datasets.items():
            if mask.links:
                self._check_link_key(name, mask)

    def decisions(self, dataset: str) -> tuple[Decision, ...]:
        """Returns what becomes of each column of a dataset, in the schema's order."""
        columns = self.datasets[dataset].columns()
        return decide(self.policy, dataset, columns, Overrides(self.overrides))

    def link_keys(self) -> LinkKeys:
        """Returns the keys of links; to be called on the worker, since it resolves their root.

        Raises:
            SecretError: The reference names nothing, or the root is malformed.
        """
        root = None if self.link_key is None else resolve(self.link_key)
        return LinkKeys(root, domain=self.domain)

    def _check_key(self, keyed: Decision) -> None:
        need = f"{keyed.action} of {keyed.name}"
        if not self.key:
            raise ConfigurationError(
                f"{need} needs a key", "Set key to a reference such as env:MASKING_KEY"
            )
        if not isinstance(self.key_version, int) or self.key_version < 1:
            raise ConfigurationError(
                f"{need} needs key_version, a number from 1 on, got {self.key_version!r}",
                "Pin the version of the key",
            )
        if not self.domain:
            raise ConfigurationError(f"{need} needs a domain", "Name what pseudonyms join within")

    def _check_link_key(self, dataset: str, mask: DatasetMask) -> None:
        if self.link_key and not self.domain:
            raise ConfigurationError(
                f"links of {dataset} need a domain", "Name what links join within"
            )
        hidden = None if self.link_key else hidden_part(mask.links, self.decisions(dataset))
        if hidden is not None:
            raise ConfigurationError(
                f"the link {dataset}.{hidden} needs a key: without one it would tell what a mask "
                "hides",
                "Set link_key to a reference such as env:MASKING_KEY",
            )
