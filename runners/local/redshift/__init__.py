"""A stand-in for Amazon Redshift: a gateway before a real PostgreSQL.

``python -m runners.local up`` starts it. The unmodified redshift_connector and psycopg 3 connect:
TLS only, MD5 password authentication, ``iam=True`` with whatever password GetClusterCredentials
gave out. It takes what the loader, its migrations and grants, the views and the questions of the
packaged star need, and little more. What isn't named here is refused with ``stand-in: ...``, or
fails as an unknown name or syntax does; nothing is taken silently. Real Redshift has the rest.

Statements, one at a time, of at most 16 MB
    * SELECT, WITH ... SELECT/UPDATE/DELETE, WITH RECURSIVE, INSERT, UPDATE ... FROM,
      DELETE ... USING, EXPLAIN. As on Redshift, an aggregate over an ordered window needs a frame,
      and the PERCENTILE_CONTs of one SELECT need one order. No MERGE, TRUNCATE, UNLOAD, cursors.
    * COPY ... FROM 's3://...' IAM_ROLE ... FORMAT AS PARQUET MANIFEST, with SERIALIZETOJSON and
      STATUPDATE; in the client's transaction, with Redshift's checks and texts. Types must be
      exact. No column list, no prefix in a manifest's place, no FILLRECORD.
    * CREATE [TEMP] TABLE [IF NOT EXISTS] with DISTSTYLE, DISTKEY, SORTKEY, ENCODE, NOT NULL, or AS.
      PRIMARY KEY, UNIQUE and FOREIGN KEY are taken and not enforced. No LIKE, DEFAULT, IDENTITY.
    * CREATE [OR REPLACE] VIEW, WITH NO SCHEMA BINDING too; CREATE and DROP of SCHEMA, USER, ROLE.
    * ALTER TABLE ... ADD, DROP and RENAME COLUMN; ALTER COLUMN ... TYPE VARCHAR(n), which doesn't
      go in a transaction block. ALTER USER ... SESSION TIMEOUT.
    * LOCK without a mode. BEGIN, COMMIT, ROLLBACK; no savepoints.
    * GRANT and REVOKE, to roles too; SET of statement_timeout, search_path, query_group and a few.

Types
    SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, DECIMAL up to 38 digits, BOOLEAN, DATE,
    TIMESTAMP, and in bytes VARCHAR and VARBYTE (read as PostgreSQL's bytea). SUPER is JSON text:
    loaded and read, not navigated.

Functions
    What both engines have, and GETDATE, DATEADD, DATEDIFF (boundaries), CONVERT_TIMEZONE, NVL, LEN,
    PG_LAST_COPY_COUNT.

Views
    svv_columns, svv_transactions, svv_roles; the columns that matter of each.

Transactions
    Snapshot isolation for every one; a conflict is ``XX000``, ``1023``.
    PostgreSQL locks rows where Redshift locks tables: of two writers to one table fewer meet here.

Faults, for tests (`runners.local.Redshift.arm` and its neighbors)
    An error for a statement, the connection cut before or after it takes effect, a delay, a
    freeze; connections refused or cut; idle sessions ended after seconds instead of minutes.

It doesn't prove: IAM and bucket policies, region, Redshift's own reader of Parquet where it takes
more, result format 2, table-level locks, queues, distribution, sorting and encoding, statistics,
wrong answers from wrongly declared keys, integer AVG, decimal scales of quotients, EXTRACT's types,
what LOCK asks of a user's rights, Serverless waking up. `tests/real_redshift` asks a real one.
"""
