-- create
CREATE TABLE "wh"."dim_kind" ("_load_id" BIGINT ENCODE AZ64, "fill_key" BIGINT ENCODE AZ64)
DISTSTYLE ALL;

-- fill
INSERT INTO "wh"."dim_kind" ("_load_id", "fill_key") (SELECT 0, r."fill_key" FROM "wh"."raw_fill" r
WHERE r."fill_key" IS NOT NULL GROUP BY r."fill_key");

-- touched
SELECT DISTINCT m."fill_key" AS touched_key FROM "wh"."raw_fill" m LEFT JOIN "wh"."dim_kind" d ON
d."fill_key" = m."fill_key" WHERE m._load_id = 7 AND m."fill_key" IS NOT NULL AND d."fill_key" IS
NULL;

-- delete
DELETE FROM "wh"."dim_kind" USING "touched" t WHERE "dim_kind"."fill_key" = t.touched_key;

-- insert
INSERT INTO "wh"."dim_kind" ("_load_id", "fill_key") (SELECT 7, r."fill_key" FROM "wh"."raw_fill" r
JOIN "touched" t ON r."fill_key" = t.touched_key WHERE r."fill_key" IS NOT NULL GROUP BY
r."fill_key");
