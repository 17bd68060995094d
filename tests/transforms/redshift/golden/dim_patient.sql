-- create
CREATE TABLE "wh"."dim_patient" ("_load_id" BIGINT ENCODE AZ64, "patient_key" BIGINT ENCODE AZ64,
"link" BIGINT ENCODE AZ64, "valid_from" TIMESTAMP ENCODE RAW, "valid_to" TIMESTAMP ENCODE AZ64,
"is_current" BOOLEAN ENCODE RAW, "is_inferred" BOOLEAN ENCODE RAW, "op" VARCHAR(1024) ENCODE ZSTD,
"state" VARCHAR(1024) ENCODE ZSTD, "active" BOOLEAN ENCODE RAW, "phone" VARCHAR(1024) ENCODE ZSTD)
DISTSTYLE KEY DISTKEY (link) SORTKEY (valid_from);

-- fill
INSERT INTO "wh"."dim_patient" ("_load_id", "patient_key", "link", "valid_from", "valid_to",
"is_current", "is_inferred", "op", "state", "active", "phone") (WITH log AS (SELECT r."link",
r."version", r."op", r."state", r."active", r."phone", r."source_seq", r."event_id", r."_timestamp",
r."_topic_id", r."_partition", r."_offset", r."_row", r."effective_at" AS moment FROM
"wh"."raw_patient" r WHERE r."link" IS NOT NULL AND r."effective_at" IS NOT NULL), erased AS (SELECT
"link", MAX(moment) AS erased_at FROM log WHERE "op" IN ('ERASE') GROUP BY "link"), changes AS
(SELECT l.*, ROW_NUMBER() OVER (PARTITION BY l."link", l.moment ORDER BY l."source_seq" DESC,
l."event_id" DESC, l."_timestamp" DESC, l."_topic_id" DESC, l."_partition" DESC, l."_offset" DESC,
l."_row" DESC) AS place, ROW_NUMBER() OVER (PARTITION BY l."link" ORDER BY l.moment DESC,
l."source_seq" DESC, l."event_id" DESC, l."_timestamp" DESC, l."_topic_id" DESC, l."_partition"
DESC, l."_offset" DESC, l."_row" DESC) AS newest FROM log l LEFT JOIN erased e ON e."link" =
l."link" WHERE e.erased_at IS NULL OR l.moment >= e.erased_at), told AS (SELECT "link", "version" AS
version_key, moment, "op" AS "op", CASE WHEN "op" IN ('DELETE', 'ERASE') THEN NULL ELSE "state" END
AS "state", CASE WHEN "op" IN ('DELETE', 'ERASE') THEN NULL ELSE "active" END AS "active" FROM
changes WHERE place = 1), compared AS (SELECT o.*, CASE WHEN "op" IS NULL THEN '-' ELSE
CAST(LEN("op") AS VARCHAR(8)) || ':' || "op" END || CASE WHEN "state" IS NULL THEN '-' ELSE
CAST(LEN("state") AS VARCHAR(8)) || ':' || "state" END || CASE WHEN "active" IS NULL THEN '-' ELSE
CAST(LEN(CASE WHEN "active" THEN '1' ELSE '0' END) AS VARCHAR(8)) || ':' || CASE WHEN "active" THEN
'1' ELSE '0' END END AS said FROM told o), ordered AS (SELECT c.*, LAG(said) OVER (PARTITION BY
"link" ORDER BY moment) AS said_before FROM compared c), versions AS (SELECT d.*, LEAD(moment) OVER
(PARTITION BY "link" ORDER BY moment) AS until FROM ordered d WHERE said_before IS NULL OR
said_before <> said), begun AS (SELECT "link", MIN(moment) AS moment FROM versions GROUP BY "link")
SELECT 0, v.version_key, v."link", v.moment, COALESCE(v.until, TIMESTAMP '9999-12-31 00:00:00'),
v.until IS NULL, FALSE, v."op", v."state", v."active", n."phone" FROM versions v LEFT JOIN changes n
ON n."link" = v."link" AND n.newest = 1 UNION ALL SELECT 0, m.touched_key, m.touched_key, TIMESTAMP
'0001-01-01 00:00:00', COALESCE(b.moment, TIMESTAMP '9999-12-31 00:00:00'), b.moment IS NULL, TRUE,
CAST(NULL AS VARCHAR(1024)), CAST(NULL AS VARCHAR(1024)), CAST(NULL AS BOOLEAN), n."phone" FROM
(SELECT DISTINCT touched_key FROM (SELECT "link" AS touched_key FROM "wh"."raw_patient" UNION SELECT
"link" FROM "wh"."raw_fill") u WHERE touched_key IS NOT NULL) m LEFT JOIN begun b ON b."link" =
m.touched_key LEFT JOIN changes n ON n."link" = m.touched_key AND n.newest = 1);

-- touched
SELECT DISTINCT "link" AS touched_key FROM "wh"."raw_patient" WHERE _load_id = 7 AND "link" IS NOT
NULL UNION SELECT DISTINCT m."link" AS touched_key FROM "wh"."raw_fill" m LEFT JOIN
"wh"."dim_patient" d ON d."link" = m."link" WHERE m._load_id = 7 AND m."link" IS NOT NULL AND
d."link" IS NULL;

-- delete
DELETE FROM "wh"."dim_patient" USING "touched" t WHERE "dim_patient"."link" = t.touched_key;

-- insert
INSERT INTO "wh"."dim_patient" ("_load_id", "patient_key", "link", "valid_from", "valid_to",
"is_current", "is_inferred", "op", "state", "active", "phone") (WITH log AS (SELECT r."link",
r."version", r."op", r."state", r."active", r."phone", r."source_seq", r."event_id", r."_timestamp",
r."_topic_id", r."_partition", r."_offset", r."_row", r."effective_at" AS moment FROM
"wh"."raw_patient" r JOIN "touched" t ON r."link" = t.touched_key WHERE r."link" IS NOT NULL AND
r."effective_at" IS NOT NULL), erased AS (SELECT "link", MAX(moment) AS erased_at FROM log WHERE
"op" IN ('ERASE') GROUP BY "link"), changes AS (SELECT l.*, ROW_NUMBER() OVER (PARTITION BY
l."link", l.moment ORDER BY l."source_seq" DESC, l."event_id" DESC, l."_timestamp" DESC,
l."_topic_id" DESC, l."_partition" DESC, l."_offset" DESC, l."_row" DESC) AS place, ROW_NUMBER()
OVER (PARTITION BY l."link" ORDER BY l.moment DESC, l."source_seq" DESC, l."event_id" DESC,
l."_timestamp" DESC, l."_topic_id" DESC, l."_partition" DESC, l."_offset" DESC, l."_row" DESC) AS
newest FROM log l LEFT JOIN erased e ON e."link" = l."link" WHERE e.erased_at IS NULL OR l.moment >=
e.erased_at), told AS (SELECT "link", "version" AS version_key, moment, "op" AS "op", CASE WHEN "op"
IN ('DELETE', 'ERASE') THEN NULL ELSE "state" END AS "state", CASE WHEN "op" IN ('DELETE', 'ERASE')
THEN NULL ELSE "active" END AS "active" FROM changes WHERE place = 1), compared AS (SELECT o.*, CASE
WHEN "op" IS NULL THEN '-' ELSE CAST(LEN("op") AS VARCHAR(8)) || ':' || "op" END || CASE WHEN
"state" IS NULL THEN '-' ELSE CAST(LEN("state") AS VARCHAR(8)) || ':' || "state" END || CASE WHEN
"active" IS NULL THEN '-' ELSE CAST(LEN(CASE WHEN "active" THEN '1' ELSE '0' END) AS VARCHAR(8)) ||
':' || CASE WHEN "active" THEN '1' ELSE '0' END END AS said FROM told o), ordered AS (SELECT c.*,
LAG(said) OVER (PARTITION BY "link" ORDER BY moment) AS said_before FROM compared c), versions AS
(SELECT d.*, LEAD(moment) OVER (PARTITION BY "link" ORDER BY moment) AS until FROM ordered d WHERE
said_before IS NULL OR said_before <> said), begun AS (SELECT "link", MIN(moment) AS moment FROM
versions GROUP BY "link") SELECT 7, v.version_key, v."link", v.moment, COALESCE(v.until, TIMESTAMP
'9999-12-31 00:00:00'), v.until IS NULL, FALSE, v."op", v."state", v."active", n."phone" FROM
versions v LEFT JOIN changes n ON n."link" = v."link" AND n.newest = 1 UNION ALL SELECT 7,
m.touched_key, m.touched_key, TIMESTAMP '0001-01-01 00:00:00', COALESCE(b.moment, TIMESTAMP
'9999-12-31 00:00:00'), b.moment IS NULL, TRUE, CAST(NULL AS VARCHAR(1024)), CAST(NULL AS
VARCHAR(1024)), CAST(NULL AS BOOLEAN), n."phone" FROM (SELECT touched_key FROM "touched") m LEFT
JOIN begun b ON b."link" = m.touched_key LEFT JOIN changes n ON n."link" = m.touched_key AND
n.newest = 1);
