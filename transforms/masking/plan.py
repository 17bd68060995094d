"""A dataset's masks, ready to run on tables: made once per worker, and once per layout of table."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from transforms.identifiers import LinkKeys
from transforms.masking import zip3_table
from transforms.masking.actions import KEYED, Action, is_list, plain
from transforms.masking.ages import age_band
from transforms.masking.config import MaskConfig
from transforms.masking.dates import PatientShifts, shifted, year
from transforms.masking.decisions import Columns, Decision
from transforms.masking.keys import MaskKeys
from transforms.masking.layout import PASSING, masked_layout
from transforms.masking.linking import Linker
from transforms.masking.pseudonym import Pseudonyms
from transforms.masking.redact import redact
from transforms.masking.zip3 import domestic, zip3
from transforms.segment import one_array

#: Raised with any change of what an action gives: two versions of code must not share a plan.
_CODE_VERSION: Final = 1

#: The purpose of the key of date shifts; no class has this name.
_SHIFT: Final = "date shift"


@dataclass(frozen=True)
class RowContext:
    """What some masks need to know of the row that a value stands in.

    Attributes:
        shifts: Days to go back, int64; 0 where there is no patient.
        reference: The day or time at which ages count.
        domestic: Whether ZIP codes are of the United States.
    """

    shifts: np.ndarray[Any, Any] | None = None
    reference: pa.Array | None = None
    domestic: np.ndarray[Any, Any] | None = None

    def at(self, rows: pa.Array) -> "RowContext":
        """Returns the context of other places: the items of lists, by the row that holds each."""
        index = np.asarray(rows)
        return RowContext(
            shifts=None if self.shifts is None else self.shifts[index],
            reference=None if self.reference is None else self.reference.take(rows),
            domestic=None if self.domestic is None else self.domestic[index],
        )


class DatasetPlan:
    """Masks the tables of one dataset.

    Args:
        dataset: The dataset.
        decisions: One per column.
        columns: The dataset's columns.
        keys: The keys; may be None if no action of the dataset needs one.
        link_keys: The keys of links.
    """

    def __init__(
        self,
        dataset: str,
        decisions: Sequence[Decision],
        columns: Columns,
        keys: MaskKeys | None,
        link_keys: LinkKeys,
    ) -> None:
        self._dataset = dataset
        self._decisions = {one.column: one for one in decisions}
        self._columns = columns
        self._keys = keys
        self._linker = Linker(columns.links, link_keys)
        self._shifts: PatientShifts | None = None
        self._pseudonyms: dict[str, Pseudonyms] = {}
        self._schemas: dict[pa.Schema, pa.Schema] = {}

    def mask(self, table: pa.Table) -> pa.Table:
        """Returns the table masked: the same rows in the same order.

        Raises:
            RefusedError: A column has no class, or is of a type that its action doesn't fit.
        """
        schema = self._masked_schema(table.schema)
        context = self._context(table)
        columns = [self._column(table, name, context) for name in schema.names]
        return pa.table(columns, schema=schema)

    def _masked_schema(self, schema: pa.Schema) -> pa.Schema:
        if schema not in self._schemas:
            self._schemas[schema] = masked_layout(
                schema, self._dataset, self._decisions, self._columns
            )
        return self._schemas[schema]

    def _context(self, table: pa.Table) -> RowContext:
        actions = {self._decisions[n].action for n in table.column_names if n not in PASSING}
        roles, day = self._columns, self._columns.reference_time
        context: dict[str, Any] = {}
        if Action.DATE_SHIFT in actions and roles.patient:
            context["shifts"] = self._patient_shifts().of(one_array(table.column(roles.patient)))
        if Action.AGE_BAND in actions and day is not None and day in table.column_names:
            context["reference"] = one_array(table.column(day))
        if Action.ZIP3 in actions and roles.country:
            context["domestic"] = domestic(one_array(table.column(roles.country)))
        return RowContext(**context)

    def _column(self, table: pa.Table, name: str, context: RowContext) -> Any:
        if name in self._columns.links:
            return self._linker.column(name, table)
        one = self._decisions.get(name)
        if name in PASSING or one is None or one.action is Action.KEEP:
            return table.column(name)
        values = one_array(table.column(name))
        if one.action is Action.REDACT:
            return redact(values)
        leaf = self._leaf(one)
        return _by_item(values, leaf, context) if is_list(values.type) else leaf(values, context)

    def _leaf(self, one: Decision) -> Callable[[pa.Array, RowContext], pa.Array]:
        if one.action is Action.PSEUDONYM:
            assert one.found is not None
            return partial(_pseudonym, maker=self._pseudonyms_of(one.found.cls))
        return _LEAVES[one.action or Action.DROP]

    def _pseudonyms_of(self, cls: str) -> Pseudonyms:
        # One maker per class, so that columns of one class share what is remembered.
        if cls not in self._pseudonyms:
            keys = self._needed_keys()
            self._pseudonyms[cls] = Pseudonyms(keys.derive(cls), keys.version)
        return self._pseudonyms[cls]

    def _patient_shifts(self) -> PatientShifts:
        if self._shifts is None:
            self._shifts = PatientShifts(self._needed_keys().derive(_SHIFT))
        return self._shifts

    def _needed_keys(self) -> MaskKeys:
        assert self._keys is not None  # MaskConfig refuses keyed actions without a key
        return self._keys


def key_checks(
    config: MaskConfig, dataset: str, keys: MaskKeys | None, link_keys: LinkKeys
) -> dict[str, str]:
    """Returns the check values of the keys that a dataset's masks use: of ``v3``, of ``link``.

    A chain of commits holds on to them: another key under the same name is refused.
    """
    checks = {}
    if keys is not None and any(one.action in KEYED for one in config.decisions(dataset)):
        checks[f"v{keys.version}"] = keys.check
    if config.datasets[dataset].links:
        checks["link"] = link_keys.check
    return checks


def plan_version(config: MaskConfig, dataset: str, checks: Mapping[str, str]) -> str:
    """Returns what the masked values of a dataset depend on, for the commit.

    Policy, hash of the plan, and check values of the keys, such as ``pseudonymised
    plan=0123456789abcdef key=v3:89abcdef key=link:01234567``. The same text means: the same
    message, masked, gives the same row.

    Args:
        config: The run's masks.
        dataset: One of its datasets.
        checks: What ``key_checks`` gives.
    """
    decisions = config.decisions(dataset)
    roles = config.datasets[dataset]
    plan = {
        "code": _CODE_VERSION,
        "zip3": zip3_table.VERSION,
        "domain": config.domain,
        "roles": [roles.patient, roles.reference_time, roles.country],
        "columns": [[d.column, d.found.cls if d.found else None, d.action] for d in decisions],
        "links": {name: [link.entity, *link.of] for name, link in roles.links.items()},
    }
    digest = hashlib.sha256(orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    keyed = "".join(f" key={name}:{check}" for name, check in checks.items())
    return f"{config.policy} plan={digest}{keyed}"


def _by_item(
    lists: pa.Array, leaf: Callable[[pa.Array, RowContext], pa.Array], context: RowContext
) -> pa.Array:
    """Masks the items of lists; null and empty lists stay what they are."""
    items = leaf(lists.flatten(), context.at(pc.list_parent_indices(lists)))
    lengths = np.asarray(pc.list_value_length(lists).fill_null(0))
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(ends), items.cast(plain(items.type)), mask=lists.is_null()
    )


def _pseudonym(values: pa.Array, context: RowContext, maker: Pseudonyms) -> pa.Array:
    return maker.mask(values)


def _age_band(values: pa.Array, context: RowContext) -> pa.Array:
    return age_band(values, context.reference)


def _date_shift(values: pa.Array, context: RowContext) -> pa.Array:
    assert context.shifts is not None
    return shifted(values, context.shifts)


def _year(values: pa.Array, context: RowContext) -> pa.Array:
    return year(values)


def _zip3(values: pa.Array, context: RowContext) -> pa.Array:
    prefixes = zip3(values)
    if context.domestic is None:
        return prefixes
    return pc.if_else(pa.array(context.domestic), prefixes, pa.scalar(None, prefixes.type))


_LEAVES: Final[Mapping[Action, Callable[[pa.Array, RowContext], pa.Array]]] = {
    Action.AGE_BAND: _age_band,
    Action.DATE_SHIFT: _date_shift,
    Action.YEAR: _year,
    Action.ZIP3: _zip3,
}
