"""What an aggregate is: a dataset's rows counted by window and dimensions.

The description rides in the metadata of every table of partials, so that totals can be made from a
lake without the configuration that wrote it.
"""

import hashlib
import re
import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, Literal

import orjson
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from transforms.errors import ConfigurationError

#: Key of a partials table's schema metadata that holds the aggregate as JSON.
METADATA_KEY: Final = b"pharmabeam.aggregate"
#: Raised with any change of the partials' columns or of what they mean.
PARTIALS_FORMAT: Final = 1

UTC: Final = "UTC"
MINUTE_US: Final = 60_000_000
DAY: Final = "day"
#: The windows that there are, and their widths in microseconds.
_WIDTHS: Final = {
    **{f"{n}m": n * MINUTE_US for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)},
    **{f"{n}h": n * 60 * MINUTE_US for n in (1, 2, 3, 4, 6, 8, 12, 24)},
}
WINDOWS: Final = (*_WIDTHS, DAY)
#: Columns that every table of partials or totals has, and ``suppressed``, which totals may have.
RESERVED: Final = ("window_start", "window_end", "rows", "faults", "suppressed")

Kind = Literal["count", "sum", "min", "max", "distinct", "quantiles"]
KINDS: Final[tuple[Kind, ...]] = ("count", "sum", "min", "max", "distinct", "quantiles")

#: Of quantiles: one in a hundred, as the authors of DDSketch have it.
DEFAULT_ACCURACY: Final = 0.01

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Quantile = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Measure(_Strict):
    """One number of a window: exactly one of the kinds, as an SQL expression over a row.

    Attributes:
        count: Rows for which it is true; empty text counts all.
        sum: Added up. Integers and decimals only: a sum of floats depends on the order of adding,
            and so on where segments were cut.
        min: The least; nulls are left out.
        max: The greatest; nulls are left out.
        distinct: How many values there are, estimated by a HyperLogLog sketch of 4,096 registers:
            1.6 % standard error. Nulls and empty texts are left out.
        quantiles: Values whose quantiles are wanted, estimated by a DDSketch. Nulls, NaN and
            infinities are left out.
        at: Of ``quantiles``: which ones, between 0 and 1.
        accuracy: Of ``quantiles``: the relative error of a quantile's value at most.
    """

    count: str | None = None
    sum: str | None = None
    min: str | None = None
    max: str | None = None
    distinct: str | None = None
    quantiles: str | None = None
    at: tuple[Quantile, ...] = ()
    accuracy: Annotated[float, Field(ge=0.001, le=0.2)] = DEFAULT_ACCURACY

    @model_validator(mode="after")
    def _check(self) -> "Measure":
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"must have exactly one of {', '.join(KINDS)}, got {given or 'none'}")
        if given[0] != "count" and not self.sql.strip():
            raise ValueError(f"{given[0]} must have an expression")
        if (given[0] == "quantiles") != bool(self.at):
            raise ValueError("at must list the quantiles of a quantiles measure, and only of one")
        if len(set(self.at)) != len(self.at):
            raise ValueError("at must name each quantile once")
        if given[0] != "quantiles" and self.accuracy != DEFAULT_ACCURACY:
            raise ValueError("accuracy must be given with quantiles only")
        return self

    @property
    def kind(self) -> Kind:
        """Which of the kinds it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def sql(self) -> str:
        """The expression."""
        text: str = getattr(self, self.kind)
        return text

    def columns(self, name: str) -> list[str]:
        """Returns the columns of the totals that it fills, under its name."""
        if self.kind != "quantiles":
            return [name]
        return [f"{name}_p{f'{q * 100:.10g}'.replace('.', '_')}" for q in self.at]


class Aggregate(_Strict):
    """Counts of a dataset's rows by window and dimensions.

    Attributes:
        name: Names the partials. Changed later, an aggregate needs a new name: totals are merged
            over all partials of one name, which must all mean the same.
        dataset: The dataset whose rows are counted.
        time: Column (timestamp, UTC) that decides on a row's window.
        window: ``5m`` (a divisor of the hour), ``2h`` (a divisor of the day), both aligned to
            midnight UTC; or ``day``, from midnight to midnight of ``zone``.
        zone: Of ``day``: an IANA name, or the column that holds one.
        dimensions: Columns by which rows are told apart within a window. Null is a value.
        where: SQL expression; only rows for which it is true count. Empty: all.
        measures: Result column -> what is measured.
    """

    name: Name
    dataset: str
    time: str
    window: Annotated[str, Field(json_schema_extra={"enum": list(WINDOWS)})]
    zone: str = UTC
    dimensions: tuple[str, ...] = ()
    where: str = ""
    measures: Annotated[Mapping[Name, Measure], Field(min_length=1)]

    @field_validator("window")
    @classmethod
    def _check_window(cls, text: str) -> str:
        if text not in WINDOWS:
            raise ValueError(
                f"window must be minutes that divide the hour (5m), hours that divide the day (2h) "
                f"or day, got {text!r}"
            )
        return text

    @model_validator(mode="after")
    def _check(self) -> "Aggregate":
        if self.zone != UTC and self.window != DAY:
            raise ValueError("zone must be left out unless window is day")
        if self.zone_column is None and self.zone not in known_zones():
            raise ValueError(f"zone must be a column or an IANA name, got {self.zone!r}")
        names = [*self.dimensions, *(c for n, m in self.measures.items() for c in m.columns(n))]
        names += [name for name, m in self.measures.items() if m.kind == "quantiles"]
        for name in sorted(set(names)):
            if name in RESERVED or names.count(name) > 1:
                raise ValueError(
                    f"the name {name} must be of one column only, and not {', '.join(RESERVED)}"
                )
        return self

    @property
    def zone_column(self) -> str | None:
        """The column of zone names; None if the zone is fixed."""
        # No zone's name begins with a small letter, and no dataset's column with a capital one.
        return self.zone if re.match("[a-z_]", self.zone) else None

    @property
    def width_us(self) -> int | None:
        """The window's width in microseconds; None for local days."""
        return _WIDTHS.get(self.window)

    @property
    def table_name(self) -> str:
        """The name of its partials among a commit's small tables."""
        return f"partials.{self.name}"

    def to_metadata(self) -> dict[bytes, bytes]:
        """Returns the schema metadata that tell what a table of partials means."""
        # With the defaults: another version's must not change what was counted.
        held = {"format": PARTIALS_FORMAT, **self.model_dump(exclude_none=True)}
        return {METADATA_KEY: orjson.dumps(held)}

    @property
    def digest(self) -> str:
        """Tells definitions apart, 16 hexadecimal digits: partials merge if theirs is the same."""
        # Without the defaults, unlike the metadata: it is kept beside counts, and a setting that is
        # added later must not part those from new ones. So a default is never changed.
        held = {"format": PARTIALS_FORMAT, **self.model_dump(exclude_defaults=True)}
        text = orjson.dumps(held, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:16]


def aggregate_of(schema: pa.Schema) -> Aggregate:
    """Returns the aggregate whose partials have a schema.

    Raises:
        ConfigurationError: They are no partials, or of a newer format.
    """
    try:
        held = orjson.loads((schema.metadata or {})[METADATA_KEY])
        version = held.pop("format")
        if version == PARTIALS_FORMAT:
            return Aggregate.model_validate(held)
    except (KeyError, ValueError, ValidationError) as error:
        raise ConfigurationError("a table holds no partials of an aggregate") from error
    raise ConfigurationError(f"partials have the format {version}", "Upgrade to read them")


def definition_of(schema: pa.Schema) -> str:
    """Returns the ``digest`` of the aggregate that ``aggregate_of`` finds."""
    return aggregate_of(schema).digest


@cache
def known_zones() -> frozenset[str]:
    """Returns the IANA names that this machine's time zone database knows.

    Raises:
        ConfigurationError: The machine has no such database, and every zone would be unknown.
    """
    # "localtime" and "posixrules" are the machine's own, and differ from one to the next.
    names = frozenset(name for name in zoneinfo.available_timezones() if name[0].isupper())
    if UTC not in names:
        raise ConfigurationError("there is no database of time zones", "Install the package tzdata")
    return names
