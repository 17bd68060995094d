-- Redshift's functions and system views, in pg_catalog: visible whatever the search path is.
-- Run once in a new database, statement by statement; they are separated by lines of "---".
SET allow_system_table_mods = on
---
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp STABLE LANGUAGE sql
AS $$ SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC') $$
---
-- The start of the transaction, as on Redshift; GETDATE is the statement's.
CREATE FUNCTION pg_catalog.sysdate() RETURNS timestamp STABLE LANGUAGE sql
AS $$ SELECT transaction_timestamp() AT TIME ZONE 'UTC' $$
---
CREATE FUNCTION pg_catalog.dateadd(part text, n bigint, t timestamp) RETURNS timestamp
IMMUTABLE STRICT LANGUAGE sql AS $$
SELECT t + n * CASE lower(part) WHEN 'quarter' THEN interval '3 months'
               ELSE ('1 ' || lower(part))::interval END $$
---
-- Boundaries that lie between, not whole units.
CREATE FUNCTION pg_catalog.datediff(part text, a timestamp, b timestamp) RETURNS bigint
IMMUTABLE STRICT LANGUAGE sql AS $$
SELECT CASE lower(part)
  WHEN 'year' THEN extract(year FROM b) - extract(year FROM a)
  WHEN 'quarter' THEN 4 * (extract(year FROM b) - extract(year FROM a))
                      + extract(quarter FROM b) - extract(quarter FROM a)
  WHEN 'month' THEN 12 * (extract(year FROM b) - extract(year FROM a))
                    + extract(month FROM b) - extract(month FROM a)
  ELSE round(extract(epoch FROM date_trunc(part, b) - date_trunc(part, a))
             / extract(epoch FROM ('1 ' || lower(part))::interval))
END::bigint $$
---
CREATE FUNCTION pg_catalog.add_months(t timestamp, n bigint) RETURNS timestamp
IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT t + n * interval '1 month' $$
---
CREATE FUNCTION pg_catalog.last_day(t timestamp) RETURNS date IMMUTABLE STRICT LANGUAGE sql
AS $$ SELECT (date_trunc('month', t) + interval '1 month - 1 day')::date $$
---
CREATE FUNCTION pg_catalog.trunc(t timestamp) RETURNS date IMMUTABLE STRICT LANGUAGE sql
AS $$ SELECT t::date $$
---
CREATE FUNCTION pg_catalog.convert_timezone(source text, target text, t timestamp)
RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql
AS $$ SELECT t AT TIME ZONE source AT TIME ZONE target $$
---
CREATE FUNCTION pg_catalog.convert_timezone(target text, t timestamp) RETURNS timestamp
IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT t AT TIME ZONE 'UTC' AT TIME ZONE target $$
---
CREATE FUNCTION pg_catalog.nvl2(a anyelement, b anycompatible, c anycompatible)
RETURNS anycompatible IMMUTABLE LANGUAGE sql
AS $$ SELECT CASE WHEN a IS NOT NULL THEN b ELSE c END $$
---
CREATE FUNCTION pg_catalog.len(s text) RETURNS integer IMMUTABLE STRICT LANGUAGE sql
AS $$ SELECT length(s) $$
---
CREATE FUNCTION pg_catalog.charindex(part text, s text) RETURNS integer
IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT strpos(s, part) $$
---
CREATE FUNCTION pg_catalog.sha2(s text, bits integer) RETURNS varchar
IMMUTABLE STRICT LANGUAGE sql AS $$
SELECT encode(CASE bits WHEN 224 THEN sha224(convert_to(s, 'UTF8'))
                        WHEN 384 THEN sha384(convert_to(s, 'UTF8'))
                        WHEN 512 THEN sha512(convert_to(s, 'UTF8'))
                        ELSE sha256(convert_to(s, 'UTF8')) END, 'hex') $$
---
CREATE FUNCTION pg_catalog.strtol(s text, base integer) RETURNS bigint
IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE value numeric := 0; digit integer;
BEGIN
  FOR i IN 1..length(s) LOOP
    digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(substr(s, i, 1))) - 1;
    IF digit < 0 OR digit >= base THEN
      RAISE EXCEPTION USING ERRCODE = '22018', MESSAGE = 'The input is not valid for this base';
    END IF;
    value := value * base + digit;
  END LOOP;
  RETURN value::bigint;
END $$
---
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint STABLE LANGUAGE sql
AS $$ SELECT coalesce(nullif(current_setting('rs.last_copy_count', true), ''), '0')::bigint $$
---
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS bigint STABLE LANGUAGE sql
AS $$ SELECT coalesce(nullif(current_setting('rs.last_copy_id', true), ''), '-1')::bigint $$
---
-- Only views that look at a column when they are queried (late binding) let its length change.
CREATE FUNCTION pg_catalog.rs_set_length(tab text, col text, n integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  rel regclass := tab::regclass;
  num smallint := (SELECT attnum FROM pg_attribute
                   WHERE attrelid = rel AND attname = col AND NOT attisdropped);
  old record;
BEGIN
  IF num IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('column "%s" does not exist', col);
  END IF;
  IF EXISTS (SELECT FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
             WHERE d.refobjid = rel AND d.refobjsubid = num AND d.classid = 'pg_rewrite'::regclass
             AND obj_description(r.ev_class, 'pg_class') IS DISTINCT FROM 'no schema binding') THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = 'cannot alter type of a column used by a view or rule';
  END IF;
  SELECT conname INTO old FROM pg_constraint
  WHERE conrelid = rel AND conkey = ARRAY[num] AND conname LIKE 'rs\_len\_%';
  IF old IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'stand-in: only VARCHAR has a length';
  END IF;
  EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I CHECK (octet_length(%I) <= %s)',
                 rel, old.conname, format('rs_len_%s_%s', n, col), col, n);
END $$
---
-- A late-binding view goes by names on Redshift; here it would follow the renamed table.
CREATE FUNCTION pg_catalog.rs_check_rename(tab text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
             WHERE d.refobjid = tab::regclass AND d.classid = 'pg_rewrite'::regclass
             AND obj_description(r.ev_class, 'pg_class') = 'no schema binding') THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = 'stand-in: a late-binding view looks at this table: drop it, then make it again';
  END IF;
END $$
---
CREATE TABLE pg_catalog.rs_loads (
  query_id bigint GENERATED ALWAYS AS IDENTITY, session_id integer, database_name text,
  table_id bigint, table_name text, status text, start_time timestamp DEFAULT getdate(),
  end_time timestamp, data_source text, loaded_rows bigint, source_file_count integer,
  source_file_bytes bigint)
---
CREATE TABLE pg_catalog.rs_load_errors (
  query_id bigint, file_name text, line_number bigint, column_name text, column_type text,
  column_length text, position integer, error_code integer, error_message text)
---
CREATE VIEW pg_catalog.sys_load_history AS
SELECT query_id, session_id, database_name, status, table_name, start_time, end_time, data_source,
       'parquet' AS file_format, loaded_rows, source_file_count, source_file_bytes
FROM pg_catalog.rs_loads
---
CREATE VIEW pg_catalog.sys_load_error_detail AS
SELECT query_id, session_id, database_name, table_id, start_time, file_name, line_number,
       column_name, column_type, column_length, position, error_code, error_message
FROM pg_catalog.rs_loads JOIN pg_catalog.rs_load_errors USING (query_id)
---
CREATE VIEW pg_catalog.stl_load_errors AS
SELECT query_id AS query, session_id AS session, table_id AS tbl, start_time AS starttime,
       file_name AS filename, line_number, column_name AS colname, column_type AS type,
       column_length AS col_length, position, error_code AS err_code, error_message AS err_reason
FROM pg_catalog.sys_load_error_detail
---
CREATE VIEW pg_catalog.svv_tables AS
SELECT table_catalog, table_schema, table_name, table_type, NULL::text AS remarks
FROM information_schema.tables
---
CREATE VIEW pg_catalog.svv_columns AS
SELECT c.table_catalog, c.table_schema, c.table_name, c.column_name, c.ordinal_position,
       c.column_default, c.is_nullable,
       CASE c.data_type WHEN 'bytea' THEN 'binary varying' WHEN 'text' THEN 'super'
         ELSE c.data_type END AS data_type,
       coalesce(split_part(k.conname, '_', 3)::integer, c.character_maximum_length)
         AS character_maximum_length,
       c.numeric_precision, c.numeric_scale, c.datetime_precision, NULL::text AS remarks
FROM information_schema.columns c
JOIN pg_attribute a ON a.attname = c.column_name
  AND a.attrelid = format('%I.%I', c.table_schema, c.table_name)::regclass
LEFT JOIN pg_constraint k
  ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum] AND k.conname LIKE 'rs\_len\_%'
---
CREATE VIEW pg_catalog.svv_table_info AS
SELECT current_database() AS database, n.nspname AS schema, c.oid AS table_id, c.relname AS table,
       greatest(c.reltuples, 0)::numeric AS tbl_rows, greatest(pg_relation_size(c.oid) / 1048576, 1) AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
---
CREATE VIEW pg_catalog.pg_table_def AS
SELECT table_schema AS schemaname, table_name AS tablename, column_name AS "column",
       data_type || coalesce('(' || character_maximum_length || ')', '') AS type,
       is_nullable = 'NO' AS "notnull"
FROM pg_catalog.svv_columns
---
CREATE VIEW pg_catalog.svv_transactions AS
SELECT a.usename AS txn_owner, a.datname AS txn_db, l.transactionid::text AS xid, l.pid,
       a.xact_start AT TIME ZONE 'UTC' AS txn_start, l.mode AS lock_mode,
       l.locktype AS lockable_object_type, l.relation, l.granted
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
---
CREATE VIEW pg_catalog.stv_sessions AS
SELECT backend_start AT TIME ZONE 'UTC' AS starttime, pid AS process, usename AS user_name,
       datname AS db_name
FROM pg_stat_activity WHERE backend_type = 'client backend'
---
CREATE VIEW pg_catalog.svv_roles AS
SELECT oid AS role_id, rolname AS role_name FROM pg_roles
WHERE NOT rolcanlogin AND rolname NOT LIKE 'pg\_%'
---
GRANT SELECT ON pg_catalog.rs_loads, pg_catalog.rs_load_errors, pg_catalog.sys_load_history,
  pg_catalog.sys_load_error_detail, pg_catalog.stl_load_errors, pg_catalog.svv_tables,
  pg_catalog.svv_columns, pg_catalog.svv_table_info, pg_catalog.pg_table_def,
  pg_catalog.svv_transactions, pg_catalog.stv_sessions, pg_catalog.svv_roles TO PUBLIC
