"""A small star over two logs, and what plain Python makes of the same rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from transforms.redshift import LoadPlan, RawTable, Session, Statements
from transforms.redshift.fences import insert_all
from transforms.redshift.sql import quoted
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
    rebuild,
)

EVER = datetime(1, 1, 1)
NEVER = datetime(9999, 12, 31)
NOON = datetime(2026, 11, 1, 12)

_LINEAGE = [
    pa.field("_topic", pa.string()),
    pa.field("_topic_id", pa.string()),
    pa.field("_partition", pa.int32()),
    pa.field("_offset", pa.int64()),
    pa.field("_row", pa.int32()),
    pa.field("_timestamp", pa.timestamp("ms")),
]
PATIENTS = RawTable(
    dataset="patient",
    topics=("patients",),
    schema=pa.schema(
        [
            *_LINEAGE,
            pa.field("event_id", pa.string()),
            pa.field("source_seq", pa.int64()),
            pa.field("effective_at", pa.timestamp("us")),
            pa.field("link", pa.int64()),
            pa.field("version", pa.int64()),
            pa.field("op", pa.string()),
            pa.field("state", pa.string()),
            pa.field("active", pa.bool_()),
            pa.field("phone", pa.string()),
        ]
    ),
)
FILLS = RawTable(
    dataset="fill",
    topics=("fills",),
    schema=pa.schema(
        [
            *_LINEAGE,
            pa.field("event_id", pa.string()),
            pa.field("source_seq", pa.int64()),
            pa.field("event_time", pa.timestamp("us")),
            pa.field("fill_key", pa.int64()),
            pa.field("link", pa.int64()),
            pa.field("event_type", pa.string()),
            pa.field("store", pa.string()),
            pa.field("quantity", pa.int32()),
        ]
    ),
)
STORES = RawTable(
    dataset="store",
    topics=("stores",),
    schema=pa.schema(
        [
            *_LINEAGE,
            pa.field("store", pa.string()),
            pa.field("effective_from", pa.timestamp("us")),
            pa.field("name", pa.string()),
        ]
    ),
)
PATIENT = Scd2Table(
    table="dim_patient",
    raw=PATIENTS,
    key="link",
    effective="effective_at",
    order=("source_seq", "event_id"),
    storage=Storage(distribution="link", sort=("valid_from",)),
    members=(Member(FILLS, "link"),),
    surrogate="patient_key",
    version="version",
    tracked=("op", "state", "active"),
    latest=("phone",),
    operation="op",
    ends=("DELETE", "ERASE"),
    erases=("ERASE",),
)
STORE = UpsertTable(
    table="dim_store",
    raw=STORES,
    key="store",
    effective="effective_from",
    storage=Storage(distribution="ALL"),
    members=(Member(FILLS, "store"),),
    values=("name", "effective_from"),
)
FILL = UpsertTable(
    table="fact_fill",
    raw=FILLS,
    key="fill_key",
    effective="event_time",
    order=("source_seq", "event_id"),
    storage=Storage(distribution="link", sort=("event_time",)),
    values=("link", "event_type", "event_time", "store", "quantity"),
    where="event_type <> 'NOISE'",
    milestones=(
        Milestone("filled_at", "event_type = 'FILLED'"),
        Milestone("ready_at", "event_type IN ('READY')"),
    ),
    bindings=(
        Binding(
            column="patient_key", dimension=PATIENT, link="link", at=("filled_at", "event_time")
        ),
    ),
)
EVENT = UpsertTable(
    table="fact_event",
    raw=FILLS,
    key="event_id",
    effective="event_time",
    order=("source_seq",),
    storage=Storage(distribution="EVEN"),
    values=("event_type",),
)
KIND = MembersTable(
    table="dim_kind",
    key="fill_key",
    storage=Storage(distribution="ALL"),
    raw=FILLS,
    values=(),
)
DAYS = CalendarTable(
    table="dim_date",
    key="calendar_date",
    storage=Storage(distribution="ALL", sort=("calendar_date",)),
    first=date(2024, 2, 27),
    last=date(2024, 3, 2),
)
PLAN = LoadPlan((PATIENTS, FILLS, STORES), (DAYS, PATIENT, STORE, KIND, FILL, EVENT))


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a log, where it stood."""

    offset: int

    def values(self) -> dict[str, Any]:
        """By column."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        del own["offset"]
        place = ("t", "id", 0, self.offset, 0, NOON)
        return dict(zip([each.name for each in _LINEAGE], place, strict=True)) | own


@dataclass(frozen=True, kw_only=True)
class Change(Row):
    """A row of ``PATIENTS``; its moment is a number of hours."""

    event_id: str
    source_seq: int
    hour: int
    link: int | None
    op: str = "UPSERT"
    state: str | None = None
    active: bool | None = None
    phone: str | None = None

    def values(self) -> dict[str, Any]:
        own = super().values()
        own["effective_at"] = at(own.pop("hour"))
        own["version"] = None if self.link is None else version(self.link, self.hour)
        return own


@dataclass(frozen=True, kw_only=True)
class Fill(Row):
    """A row of ``FILLS``."""

    event_id: str
    source_seq: int
    hour: int
    fill_key: int | None
    link: int | None
    event_type: str = "FILLED"
    store: str | None = "s1"
    quantity: int = 1

    def values(self) -> dict[str, Any]:
        own = super().values()
        own["event_time"] = at(own.pop("hour"))
        return own


@dataclass(frozen=True, kw_only=True)
class Store(Row):
    """A row of ``STORES``."""

    hour: int
    store: str
    name: str

    def values(self) -> dict[str, Any]:
        own = super().values()
        own["effective_from"] = at(own.pop("hour"))
        return own


def at(hour: int) -> datetime:
    """The moment of an hour."""
    return NOON + timedelta(hours=hour)


def version(link: int, hour: int) -> int:
    """A key of a version that differs for each link and hour."""
    return 1_000_000 * link + 1_000 + hour


class Logs:
    """The raw tables of a schema, filled load by load without a lake."""

    _TABLES = ((Change, PATIENTS), (Fill, FILLS), (Store, STORES))

    def __init__(self, session: Session, schema: str) -> None:
        self.session = session
        self.statements = Statements(schema)
        self._load = 0

    def load(self, rows: Sequence[Row]) -> None:
        """Adds rows, and rebuilds what they touch, in one transaction."""
        self._load += 1
        loaded: dict[str, int] = {}
        with self.session.transaction():
            for kind, raw in self._TABLES:
                values = [row.values() for row in rows if isinstance(row, kind)]
                loaded[raw.table] = len(values)
                if values:
                    names = list(values[0])
                    table = self.statements.table(raw.table)
                    insert_all(
                        self.session,
                        table,
                        ["_load_id", *(quoted(name) for name in names)],
                        [[self._load, *(each[name] for name in names)] for each in values],
                    )
            rebuild(self.session, self.statements, PLAN.star, loaded, self._load)

    def empty(self) -> None:
        """Takes all rows away."""
        with self.session.transaction():
            for each in (*PLAN.tables, *self._built()):
                self.session.execute(f"DELETE FROM {self.statements.table(each.table)}")

    def found(self) -> dict[str, list[tuple[Any, ...]]]:
        """The star's rows, without the load that made them, in order."""
        return {each.table: self._rows(each) for each in self._built()}

    @staticmethod
    def _built() -> list[StarTable]:
        return [each for each in PLAN.star if each.sources]

    def _rows(self, table: StarTable) -> list[tuple[Any, ...]]:
        names = ", ".join(quoted(column.name) for column in table.columns[1:])
        found = self.session.query(f"SELECT {names} FROM {self.statements.table(table.table)}")
        return ordered(tuple(row) for row in found)


def ordered(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order that None doesn't disturb."""
    return sorted(rows, key=str)


def told(rows: Sequence[Row]) -> dict[str, list[tuple[Any, ...]]]:
    """What the star should be, in plain Python, from all rows in any order."""
    changes = [row for row in rows if isinstance(row, Change) and row.link is not None]
    fills = [row for row in rows if isinstance(row, Fill)]
    stores = [row for row in rows if isinstance(row, Store)]
    patients = list(_patients(changes, fills))
    return {
        "dim_patient": ordered(patients),
        "dim_store": ordered(_stores(stores, fills)),
        "dim_kind": ordered({(row.fill_key,) for row in fills if row.fill_key is not None}),
        "fact_fill": ordered(_fills(fills, patients)),
        "fact_event": ordered(_events(fills)),
    }


def _newest(rows: Iterable[Any]) -> Any:
    keys = ("hour", "source_seq", "event_id", "offset")
    return max(rows, key=lambda row: [getattr(row, name, 0) for name in keys])


def _patients(changes: list[Change], fills: list[Fill]) -> Iterator[tuple[Any, ...]]:
    links = {row.link for row in changes} | {row.link for row in fills if row.link is not None}
    for link in links:
        mine = [row for row in changes if row.link == link]
        erased = max((row.hour for row in mine if row.op == "ERASE"), default=None)
        mine = [row for row in mine if erased is None or row.hour >= erased]
        phone = _newest(mine).phone if mine else None
        kept: list[tuple[int, tuple[Any, ...]]] = []
        for hour in sorted({row.hour for row in mine}):
            row = _newest(each for each in mine if each.hour == hour)
            gone = row.op in ("DELETE", "ERASE")
            says = (row.op, None if gone else row.state, None if gone else row.active)
            if not kept or kept[-1][1] != says:
                kept.append((hour, says))
        first = at(kept[0][0]) if kept else NEVER
        yield (link, link, EVER, first, not kept, True, None, None, None, phone)
        for index, (hour, says) in enumerate(kept):
            last = index == len(kept) - 1
            until = NEVER if last else at(kept[index + 1][0])
            yield (version(link, hour), link, at(hour), until, last, False, *says, phone)


def _stores(stores: list[Store], fills: list[Fill]) -> Iterator[tuple[Any, ...]]:
    known = {row.store for row in stores}
    for store in known:
        row = _newest(each for each in stores if each.store == store)
        yield (store, row.name, at(row.hour), False)
    for store in {row.store for row in fills if row.store is not None} - known:
        yield (store, None, None, True)


def _events(fills: list[Fill]) -> Iterator[tuple[Any, ...]]:
    for event in {row.event_id for row in fills}:
        same = [row for row in fills if row.event_id == event]
        last = max(same, key=lambda row: (row.hour, row.source_seq, row.offset))
        yield (event, last.event_type)


def _fills(fills: list[Fill], patients: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    counting = [row for row in fills if row.event_type != "NOISE" and row.fill_key is not None]
    for key in {row.fill_key for row in counting}:
        mine = [row for row in counting if row.fill_key == key]
        last = _newest(mine)
        filled = min((at(r.hour) for r in mine if r.event_type == "FILLED"), default=None)
        ready = min((at(r.hour) for r in mine if r.event_type == "READY"), default=None)
        moment = filled or at(last.hour)
        bound = [p[0] for p in patients if p[1] == last.link and p[2] <= moment < p[3]]
        (patient,) = bound or [None]
        yield (
            *(key, last.link, last.event_type, at(last.hour), last.store, last.quantity),
            *(filled, ready, patient),
        )
