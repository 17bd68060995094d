-- create
CREATE TABLE "wh"."fact_event" ("_load_id" BIGINT ENCODE AZ64, "event_id" VARCHAR(1024) ENCODE ZSTD,
"event_type" VARCHAR(1024) ENCODE ZSTD) DISTSTYLE EVEN;

-- fill
INSERT INTO "wh"."fact_event" ("_load_id", "event_id", "event_type") (WITH events AS (SELECT
r."event_id", r."event_type", r."event_time", r."source_seq", r."_timestamp", r."_topic_id",
r."_partition", r."_offset", r."_row", ROW_NUMBER() OVER (PARTITION BY r."event_id" ORDER BY
r."event_time" DESC, r."source_seq" DESC, r."_timestamp" DESC, r."_topic_id" DESC, r."_partition"
DESC, r."_offset" DESC, r."_row" DESC) AS place FROM "wh"."raw_fill" r WHERE r."event_id" IS NOT
NULL), told AS (SELECT e."event_id", e."event_type" FROM events e WHERE e.place = 1) SELECT 0,
f."event_id", f."event_type" FROM told f);

-- touched
SELECT DISTINCT "event_id" AS touched_key FROM "wh"."raw_fill" WHERE _load_id = 7 AND "event_id" IS
NOT NULL;

-- delete
DELETE FROM "wh"."fact_event" USING "touched" t WHERE "fact_event"."event_id" = t.touched_key;

-- insert
INSERT INTO "wh"."fact_event" ("_load_id", "event_id", "event_type") (WITH events AS (SELECT
r."event_id", r."event_type", r."event_time", r."source_seq", r."_timestamp", r."_topic_id",
r."_partition", r."_offset", r."_row", ROW_NUMBER() OVER (PARTITION BY r."event_id" ORDER BY
r."event_time" DESC, r."source_seq" DESC, r."_timestamp" DESC, r."_topic_id" DESC, r."_partition"
DESC, r."_offset" DESC, r."_row" DESC) AS place FROM "wh"."raw_fill" r JOIN "touched" t ON
r."event_id" = t.touched_key WHERE r."event_id" IS NOT NULL), told AS (SELECT e."event_id",
e."event_type" FROM events e WHERE e.place = 1) SELECT 7, f."event_id", f."event_type" FROM told f);
