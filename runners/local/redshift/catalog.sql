-- Redshift's functions and system views, in pg_catalog: visible whatever the search path is.
-- Run once in a new database, statement by statement; they are separated by lines of "---".
SET allow_system_table_mods = on
---
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp STABLE LANGUAGE sql
AS $$ SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC') $$
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
CREATE FUNCTION pg_catalog.convert_timezone(source text, target text, t timestamp)
RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql
AS $$ SELECT t AT TIME ZONE source AT TIME ZONE target $$
---
CREATE FUNCTION pg_catalog.len(s text) RETURNS integer IMMUTABLE STRICT LANGUAGE sql
AS $$ SELECT length(s) $$
---
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint STABLE LANGUAGE sql
AS $$ SELECT coalesce(nullif(current_setting('rs.last_copy_count', true), ''), '0')::bigint $$
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
CREATE VIEW pg_catalog.svv_transactions AS
SELECT a.usename AS txn_owner, a.datname AS txn_db, l.transactionid::text AS xid, l.pid,
       a.xact_start AT TIME ZONE 'UTC' AS txn_start, l.mode AS lock_mode,
       l.locktype AS lockable_object_type, l.relation, l.granted
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
---
CREATE VIEW pg_catalog.svv_roles AS
SELECT oid AS role_id, rolname AS role_name FROM pg_roles
WHERE NOT rolcanlogin AND rolname NOT LIKE 'pg\_%'
---
GRANT SELECT ON pg_catalog.svv_columns, pg_catalog.svv_transactions, pg_catalog.svv_roles TO PUBLIC
