"""What a file of a star schema may say. Strict: an unknown key is refused."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Names that need no quotes on Redshift.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StorageConfig(_Strict):
    """Where rows lie; see ``transforms.redshift.star.Storage``.

    Attributes:
        distribution: ``ALL``, ``EVEN`` or a column.
        sort: Columns by which rows are sorted.
    """

    distribution: str
    sort: tuple[Name, ...] = ()


class _Logged(_Strict):
    """What the tables have in common that are built from one dataset's rows.

    Attributes:
        dataset: The dataset.
        key: The column whose rows belong together.
        effective: The column that tells when a row took effect.
        order: Columns that order rows of one moment.
        seen_in: Dataset -> its column with the key: keys that come before their own rows get an
            inferred member.
        storage: Where rows lie.
    """

    dataset: str
    key: Name
    effective: Name
    order: tuple[Name, ...] = ()
    seen_in: dict[str, Name] = {}
    storage: StorageConfig


class BindingConfig(_Strict):
    """The version of a dimension that a fact belongs to.

    Attributes:
        dimension: The dimension, a table of mode ``scd2``.
        by: The fact's column with the dimension's key.
        at: The columns that tell the moment: the first that isn't null.
    """

    dimension: Name
    by: Name
    at: tuple[Name, ...]


class UpsertConfig(_Logged):
    """Of each key the newest row.

    Attributes:
        columns: The columns that are taken over. Those that the masking policy drops are left out.
        where: Which rows count, in SQL that Redshift and PostgreSQL share.
        milestones: Column -> condition: when it was first true.
        bindings: Column -> version of a dimension.
    """

    mode: Literal["upsert"]
    columns: tuple[Name, ...]
    where: str = ""
    milestones: dict[Name, str] = {}
    bindings: dict[Name, BindingConfig] = {}


class Scd2Config(_Logged):
    """Of each key all versions; see ``transforms.redshift.star.Scd2Table``.

    Attributes:
        surrogate: The column of the versions' keys.
        version: The column with the key of the version that a row would begin.
        tracked: Columns whose change makes a version.
        latest: Columns of which only the newest value is kept.
        operation: The column with the kind of a change.
        ends: Operations after which nothing is known.
        erases: Operations that take away all versions before them.
    """

    mode: Literal["scd2"]
    surrogate: Name
    version: Name
    tracked: tuple[Name, ...]
    latest: tuple[Name, ...] = ()
    operation: str = ""
    ends: tuple[str, ...] = ()
    erases: tuple[str, ...] = ()


class MembersConfig(_Strict):
    """Each key that was ever seen, once.

    Attributes:
        dataset: The dataset in which the keys are.
        key: Their column.
        columns: What the key is made of.
        storage: Where rows lie.
    """

    mode: Literal["members"]
    dataset: str
    key: Name
    columns: tuple[Name, ...]
    storage: StorageConfig


class CalendarConfig(_Strict):
    """A row per day.

    Attributes:
        first: The first day.
        last: The last day.
        storage: Where rows lie.
    """

    mode: Literal["calendar"]
    first: date
    last: date
    storage: StorageConfig


TableConfig = Annotated[
    UpsertConfig | Scd2Config | MembersConfig | CalendarConfig, Field(discriminator="mode")
]


class QuestionConfig(_Strict):
    """A question that the warehouse answers.

    Attributes:
        title: The question, or what the answer shows.
        sql: One SELECT of few rows; ``{schema}`` stands for the schema.
    """

    title: str
    sql: str


class StarConfig(_Strict):
    """A star schema.

    Attributes:
        tables: Table -> how it is built; a dimension before the facts that are bound to it.
        views: View -> its SELECT. ``{schema}`` stands for the schema, ``{columns TABLE ALIAS}`` for
            the columns of a table of the star but links.
        questions: What ``warehouse ask`` and the report answer.
    """

    tables: dict[Name, TableConfig] = {}
    views: dict[Name, str] = {}
    questions: dict[Name, QuestionConfig] = {}
