"""A stand-in for Amazon Redshift: a gateway before a real PostgreSQL.

``python -m runners.local up`` starts it. The unmodified redshift_connector and psycopg 3 connect:
TLS only, MD5 password authentication, ``iam=True`` with whatever password GetClusterCredentials
gave out. What isn't named here is refused with ``stand-in: ...``, never taken silently.

Statements
    * SELECT, WITH ... SELECT/UPDATE/DELETE, INSERT, UPDATE ... FROM, DELETE ... USING, EXPLAIN,
      DECLARE/FETCH/CLOSE, COMMENT ON; at most 16 MB. As on Redshift, an aggregate over an ordered
      window needs a frame, and LISTAGG, PERCENTILE_CONT and MEDIAN of one SELECT need one order.
    * MERGE with one WHEN MATCHED and one WHEN NOT MATCHED, from a table, no alias for its target.
    * COPY ... FROM 's3://...' IAM_ROLE ... FORMAT AS PARQUET, with MANIFEST, a column list,
      FILLRECORD, STATUPDATE, SERIALIZETOJSON; in the client's transaction, with Redshift's checks
      and texts. Types must be exact. Loads are on record even if they are rolled back.
    * CREATE TABLE with DISTSTYLE, DISTKEY, SORTKEY, ENCODE, BACKUP, IDENTITY, DEFAULT, NOT NULL;
      LIKE, AS, IF NOT EXISTS, TEMP and ``#name``. PRIMARY KEY, UNIQUE and FOREIGN KEY are taken
      and not enforced. CREATE VIEW, WITH NO SCHEMA BINDING too; SCHEMA, USER, ROLE, GROUP.
    * ALTER TABLE: ADD COLUMN, DROP COLUMN, RENAME, OWNER TO, APPEND FROM, ALTER COLUMN ... TYPE
      VARCHAR(n); the last two not in a transaction block. What only changes how Redshift stores
      (ALTER DISTKEY, SORTKEY, ENCODE) is taken with a notice.
    * TRUNCATE, which commits. LOCK without a mode. BEGIN, COMMIT, ROLLBACK; no savepoints.
    * GRANT and REVOKE, to roles too; ALTER DEFAULT PRIVILEGES; ALTER USER ... SESSION TIMEOUT;
      ANALYZE, VACUUM; SET of statement_timeout, search_path, query_group and a few others.

Types
    SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, DECIMAL up to 38 digits, BOOLEAN, DATE,
    TIME, TIMESTAMP, TIMESTAMPTZ, and in bytes CHAR, VARCHAR, VARBYTE (read as PostgreSQL's bytea).
    COPY loads all but TIME and TIMESTAMPTZ. SUPER is JSON text: loaded and read, not navigated.
    No HLLSKETCH, GEOMETRY, INTERVAL.

Functions
    What both engines have, and GETDATE, SYSDATE, DATEADD, DATEDIFF (boundaries), ADD_MONTHS,
    LAST_DAY, TRUNC(timestamp), CONVERT_TIMEZONE, NVL, NVL2, LEN, CHARINDEX, SHA2, STRTOL, MEDIAN,
    LISTAGG (no DISTINCT, no OVER), APPROXIMATE COUNT, PG_LAST_COPY_ID, PG_LAST_COPY_COUNT.

Views
    sys_load_history, sys_load_error_detail, stl_load_errors, svv_tables, svv_columns,
    svv_table_info, svv_transactions, svv_roles, stv_sessions, pg_table_def; the columns that
    matter of each.

Transactions
    Snapshot isolation (or serializable) for every one, whatever BEGIN asks for; a conflict is
    ``XX000``, ``1023``. PostgreSQL locks rows where Redshift locks tables: of two writers to one
    table fewer meet here.

Faults, for tests (`runners.local.Redshift.arm` and its neighbors)
    An error for a statement, the connection cut before or after it takes effect, a delay, a
    freeze; connections refused or cut; idle sessions ended after seconds instead of minutes.

It doesn't prove: IAM and bucket policies, region, Redshift's own reader of Parquet where it takes
more, result format 2, table-level locks, queues, distribution, sorting and encoding, statistics,
wrong answers from wrongly declared keys, gaps of IDENTITY, integer AVG, decimal scales of
quotients, Serverless waking up.
"""
