-- create
CREATE TABLE "wh"."fact_fill" ("_load_id" BIGINT ENCODE AZ64, "fill_key" BIGINT ENCODE AZ64, "link"
BIGINT ENCODE AZ64, "event_type" VARCHAR(1024) ENCODE ZSTD, "event_time" TIMESTAMP ENCODE RAW,
"store" VARCHAR(1024) ENCODE ZSTD, "quantity" INTEGER ENCODE AZ64, "filled_at" TIMESTAMP ENCODE
AZ64, "ready_at" TIMESTAMP ENCODE AZ64, "patient_key" BIGINT ENCODE AZ64) DISTSTYLE KEY DISTKEY
(link) SORTKEY (event_time);

-- fill
INSERT INTO "wh"."fact_fill" ("_load_id", "fill_key", "link", "event_type", "event_time", "store",
"quantity", "filled_at", "ready_at", "patient_key") (WITH events AS (SELECT r."fill_key", r."link",
r."event_type", r."event_time", r."store", r."quantity", r."source_seq", r."event_id",
r."_timestamp", r."_topic_id", r."_partition", r."_offset", r."_row", MIN(CASE WHEN event_type =
'FILLED' THEN r."event_time" END) OVER (PARTITION BY r."fill_key") AS "filled_at", MIN(CASE WHEN
event_type IN ('READY') THEN r."event_time" END) OVER (PARTITION BY r."fill_key") AS "ready_at",
ROW_NUMBER() OVER (PARTITION BY r."fill_key" ORDER BY r."event_time" DESC, r."source_seq" DESC,
r."event_id" DESC, r."_timestamp" DESC, r."_topic_id" DESC, r."_partition" DESC, r."_offset" DESC,
r."_row" DESC) AS place FROM "wh"."raw_fill" r WHERE r."fill_key" IS NOT NULL AND (event_type <>
'NOISE')), told AS (SELECT e."fill_key", e."link", e."event_type", e."event_time", e."store",
e."quantity", e."filled_at", e."ready_at" FROM events e WHERE e.place = 1) SELECT 0, f."fill_key",
f."link", f."event_type", f."event_time", f."store", f."quantity", f."filled_at", f."ready_at",
d0."patient_key" FROM told f LEFT JOIN "wh"."dim_patient" d0 ON d0."link" = f."link" AND
COALESCE(f."filled_at", f."event_time") >= d0.valid_from AND COALESCE(f."filled_at", f."event_time")
< d0.valid_to);

-- touched
SELECT DISTINCT "fill_key" AS touched_key FROM "wh"."raw_fill" WHERE _load_id = 7 AND "fill_key" IS
NOT NULL AND event_type <> 'NOISE' UNION SELECT f."fill_key" FROM "wh"."fact_fill" f JOIN
"wh"."dim_patient" d ON d."link" = f."link" AND COALESCE(f."filled_at", f."event_time") >=
d.valid_from AND COALESCE(f."filled_at", f."event_time") < d.valid_to WHERE d._load_id = 7 AND
(f."patient_key" IS NULL OR f."patient_key" <> d."patient_key");

-- delete
DELETE FROM "wh"."fact_fill" USING "touched" t WHERE "fact_fill"."fill_key" = t.touched_key;

-- insert
INSERT INTO "wh"."fact_fill" ("_load_id", "fill_key", "link", "event_type", "event_time", "store",
"quantity", "filled_at", "ready_at", "patient_key") (WITH events AS (SELECT r."fill_key", r."link",
r."event_type", r."event_time", r."store", r."quantity", r."source_seq", r."event_id",
r."_timestamp", r."_topic_id", r."_partition", r."_offset", r."_row", MIN(CASE WHEN event_type =
'FILLED' THEN r."event_time" END) OVER (PARTITION BY r."fill_key") AS "filled_at", MIN(CASE WHEN
event_type IN ('READY') THEN r."event_time" END) OVER (PARTITION BY r."fill_key") AS "ready_at",
ROW_NUMBER() OVER (PARTITION BY r."fill_key" ORDER BY r."event_time" DESC, r."source_seq" DESC,
r."event_id" DESC, r."_timestamp" DESC, r."_topic_id" DESC, r."_partition" DESC, r."_offset" DESC,
r."_row" DESC) AS place FROM "wh"."raw_fill" r JOIN "touched" t ON r."fill_key" = t.touched_key
WHERE r."fill_key" IS NOT NULL AND (event_type <> 'NOISE')), told AS (SELECT e."fill_key", e."link",
e."event_type", e."event_time", e."store", e."quantity", e."filled_at", e."ready_at" FROM events e
WHERE e.place = 1) SELECT 7, f."fill_key", f."link", f."event_type", f."event_time", f."store",
f."quantity", f."filled_at", f."ready_at", d0."patient_key" FROM told f LEFT JOIN "wh"."dim_patient"
d0 ON d0."link" = f."link" AND COALESCE(f."filled_at", f."event_time") >= d0.valid_from AND
COALESCE(f."filled_at", f."event_time") < d0.valid_to);
