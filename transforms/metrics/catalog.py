"""All metrics. ``docs/metrics.md`` says what to alarm on; a test holds the two together."""

from typing import Final

from transforms.metrics.kinds import Counter, Distribution, Gauge, Metric

_PARTITION: Final = ("topic", "partition")

READ_MESSAGES: Final = Counter(
    name="read_messages",
    help="Messages given on by the reader, replays included",
    labels=_PARTITION,
)
READ_BYTES: Final = Counter(
    name="read_bytes",
    help="Bytes of keys, values and headers in them, as Arrow holds them",
    labels=_PARTITION,
)
LAG_OFFSETS: Final = Gauge(
    name="lag_offsets",
    help="From the lake's fence to the end of the log: in a drain the one that is wanted, in a "
    "stream the last stable offset, asked for every quarter of a minute",
    labels=_PARTITION,
)

COMMITTED_SEGMENTS: Final = Counter(
    name="committed_segments", help="Commits won by this process", labels=_PARTITION
)
COMMITTED_MESSAGES: Final = Counter(
    name="committed_messages",
    help="Messages in them, by what became of each: accepted, dead_letter, parked or filtered",
    labels=(*_PARTITION, "disposition"),
)
COMMITTED_BYTES: Final = Counter(
    name="committed_bytes", help="Bytes of the data files in them", labels=_PARTITION
)
QUARANTINED_MESSAGES: Final = Counter(
    name="quarantined_messages",
    help="Dead letters among them that no transform could handle",
    labels=_PARTITION,
)
GAP_OFFSETS: Final = Counter(
    name="gap_offsets",
    help="Offsets that the broker had deleted before they were read",
    labels=_PARTITION,
)
FRESHNESS_SECONDS: Final = Distribution(
    name="freshness_seconds",
    help="From the broker time of a commit's newest message to the commit",
    labels=("topic",),
)
COMMITTED_TIMESTAMP_SECONDS: Final = Gauge(
    name="committed_timestamp_seconds",
    help="Broker time of the newest message in the last commit, in seconds since 1970",
    labels=_PARTITION,
)

FINDINGS: Final = Counter(
    name="findings",
    help="Rules that messages trip, as workers judge them, replays included",
    labels=("rule", "source_system"),
)

RETRIES: Final = Counter(
    name="retries",
    help="Calls made again after an outage or a conflict: kafka, s3, registry or redshift",
    labels=("system",),
)
SETBACKS: Final = Counter(
    name="setbacks",
    help="Failures in a stream, of a partition, a chain, references or publishing, that are tried "
    "again later: outage, or other, which also is an alarm",
    labels=("kind",),
)
ALARMS: Final = Counter(
    name="alarms", help="Lines of the log that begin with ALARM, by their kind", labels=("alarm",)
)

LOADS: Final = Counter(
    name="loads",
    help="Loads of the warehouse, by what came of each: loaded, refused, or failed, an outage",
    labels=("outcome",),
)
LOADED_ROWS: Final = Counter(
    name="loaded_rows", help="Rows brought into a table of datasets", labels=("table",)
)
REJECTED_ROWS: Final = Counter(
    name="rejected_rows", help="Rows for it that COPY refused", labels=("table",)
)
LOAD_SECONDS: Final = Distribution(
    name="load_seconds", help="How long the transaction of a load took"
)
LOADED_TIMESTAMP_SECONDS: Final = Gauge(
    name="loaded_timestamp_seconds",
    help="Broker time of the newest message in the last load, in seconds since 1970",
)

PUBLISHED_MESSAGES: Final = Counter(
    name="published_messages", help="Live figures sent to a topic", labels=("topic",)
)
PUT_OFF_MESSAGES: Final = Counter(
    name="put_off_messages",
    help="Live figures that an outage of the cluster has put off",
    labels=("topic",),
)
UNTIMED_ROWS: Final = Counter(
    name="untimed_rows",
    help="Rows that are in totals, but without a time in no window",
    labels=("aggregate",),
)
FOREIGN_PARTIALS: Final = Counter(
    name="foreign_partials",
    help="Tables of partials that an earlier declaration of the aggregate made: in no window",
    labels=("aggregate",),
)

#: Kinds of alarms, one for each line of the log that begins so.
ALARM_KINDS: Final = frozenset(
    {"transform", "write", "deaths", "killer", "setback", "topic", "connection"}
)

CATALOG: Final[tuple[Metric, ...]] = (
    READ_MESSAGES,
    READ_BYTES,
    LAG_OFFSETS,
    COMMITTED_SEGMENTS,
    COMMITTED_MESSAGES,
    COMMITTED_BYTES,
    QUARANTINED_MESSAGES,
    GAP_OFFSETS,
    FRESHNESS_SECONDS,
    COMMITTED_TIMESTAMP_SECONDS,
    FINDINGS,
    RETRIES,
    SETBACKS,
    ALARMS,
    LOADS,
    LOADED_ROWS,
    REJECTED_ROWS,
    LOAD_SECONDS,
    LOADED_TIMESTAMP_SECONDS,
    PUBLISHED_MESSAGES,
    PUT_OFF_MESSAGES,
    UNTIMED_ROWS,
    FOREIGN_PARTIALS,
)
