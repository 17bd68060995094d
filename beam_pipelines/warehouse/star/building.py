"""From a star's file to the tables that the loader builds."""

from collections.abc import Mapping, Sequence

from beam_pipelines.warehouse.star.model import (
    CalendarConfig,
    MembersConfig,
    Scd2Config,
    StarConfig,
    StorageConfig,
    TableConfig,
    UpsertConfig,
)
from transforms.errors import ConfigurationError
from transforms.redshift import RawTable
from transforms.redshift.star import (
    Binding,
    CalendarTable,
    Member,
    MembersTable,
    Milestone,
    Scd2Table,
    StarTable,
    Storage,
    UpsertTable,
)


def build_star(
    config: StarConfig, raws: Mapping[str, RawTable], fields: Mapping[str, Sequence[str]]
) -> tuple[StarTable, ...]:
    """Returns the tables of a star.

    Args:
        config: What they are.
        raws: Dataset -> its raw table.
        fields: Dataset -> the fields of its schema, those that the masking policy drops too.

    Raises:
        ConfigurationError: A table doesn't fit the datasets; names it.
    """
    builder = _Builder(raws, fields)
    for table, each in config.tables.items():
        builder.add(table, each)
    return tuple(builder.made.values())


class _Builder:
    def __init__(self, raws: Mapping[str, RawTable], fields: Mapping[str, Sequence[str]]) -> None:
        self._raws = raws
        self._fields = fields
        self.made: dict[str, StarTable] = {}

    def add(self, table: str, config: TableConfig) -> None:
        """Makes a table; the dimensions that it is bound to are there already."""
        match config:
            case UpsertConfig():
                self.made[table] = self._upsert(table, config)
            case Scd2Config():
                self.made[table] = self._scd2(table, config)
            case MembersConfig():
                self.made[table] = self._of_members(table, config)
            case CalendarConfig():
                self.made[table] = self._calendar(table, config)

    def _upsert(self, table: str, config: UpsertConfig) -> StarTable:
        raw = self._raw(table, config.dataset)
        return UpsertTable(
            table=table,
            raw=raw,
            key=config.key,
            effective=config.effective,
            order=config.order,
            storage=_storage(config.storage),
            members=self._members(table, config.seen_in),
            values=self._kept(table, raw, config.columns),
            where=config.where,
            milestones=tuple(Milestone(*each) for each in config.milestones.items()),
            bindings=tuple(
                Binding(
                    column=column,
                    dimension=self._dimension(table, each.dimension),
                    link=each.by,
                    at=each.at,
                )
                for column, each in config.bindings.items()
            ),
        )

    def _scd2(self, table: str, config: Scd2Config) -> StarTable:
        raw = self._raw(table, config.dataset)
        return Scd2Table(
            table=table,
            raw=raw,
            key=config.key,
            effective=config.effective,
            order=config.order,
            storage=_storage(config.storage),
            members=self._members(table, config.seen_in),
            surrogate=config.surrogate,
            version=config.version,
            tracked=self._kept(table, raw, config.tracked),
            latest=self._kept(table, raw, config.latest),
            operation=config.operation,
            ends=config.ends,
            erases=config.erases,
        )

    def _of_members(self, table: str, config: MembersConfig) -> StarTable:
        raw = self._raw(table, config.dataset)
        return MembersTable(
            table=table,
            raw=raw,
            key=config.key,
            values=self._kept(table, raw, config.columns),
            storage=_storage(config.storage),
        )

    def _calendar(self, table: str, config: CalendarConfig) -> StarTable:
        return CalendarTable(
            table=table,
            key="calendar_date",
            first=config.first,
            last=config.last,
            storage=_storage(config.storage),
        )

    def _raw(self, table: str, dataset: str) -> RawTable:
        if dataset not in self._raws:
            raise ConfigurationError(
                f"the star's table {table} is built from {dataset}, which no topic carries",
                "Take the table out of the star's file, or add the topic",
            )
        return self._raws[dataset]

    def _members(self, table: str, seen: Mapping[str, str]) -> tuple[Member, ...]:
        return tuple(Member(self._raw(table, dataset), column) for dataset, column in seen.items())

    def _dimension(self, table: str, name: str) -> Scd2Table:
        found = self.made.get(name)
        if not isinstance(found, Scd2Table):
            raise ConfigurationError(
                f"{table} is bound to {name}, which is no table of mode scd2 before it",
                "Correct the name, or the order of the tables",
            )
        return found

    def _kept(self, table: str, raw: RawTable, names: Sequence[str]) -> tuple[str, ...]:
        """Leaves out what the masking policy drops, and nothing else."""
        there = set(raw.schema.names)
        unknown = [n for n in names if n not in there and n not in self._fields[raw.dataset]]
        if unknown:
            raise ConfigurationError(
                f"the star's table {table} names {unknown[0]}, which {raw.dataset} hasn't got",
                "Name a field of the schema, a derived column or a link",
            )
        return tuple(name for name in names if name in there)


def _storage(config: StorageConfig) -> Storage:
    return Storage(distribution=config.distribution, sort=config.sort)
