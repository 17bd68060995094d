-- create
CREATE TABLE "wh"."dim_date" ("_load_id" BIGINT ENCODE AZ64, "calendar_date" DATE ENCODE RAW,
"calendar_year" SMALLINT ENCODE AZ64, "calendar_quarter" SMALLINT ENCODE AZ64, "calendar_month"
SMALLINT ENCODE AZ64, "month_name" VARCHAR(3) ENCODE ZSTD, "iso_week" SMALLINT ENCODE AZ64,
"day_of_month" SMALLINT ENCODE AZ64, "day_name" VARCHAR(3) ENCODE ZSTD, "is_weekend" BOOLEAN ENCODE
RAW) DISTSTYLE ALL SORTKEY (calendar_date);

-- fill
INSERT INTO "wh"."dim_date" ("_load_id", "calendar_date", "calendar_year", "calendar_quarter",
"calendar_month", "month_name", "iso_week", "day_of_month", "day_name", "is_weekend") (WITH digits
AS (SELECT 0 AS n UNION ALL SELECT 1 AS n UNION ALL SELECT 2 AS n UNION ALL SELECT 3 AS n UNION ALL
SELECT 4 AS n UNION ALL SELECT 5 AS n UNION ALL SELECT 6 AS n UNION ALL SELECT 7 AS n UNION ALL
SELECT 8 AS n UNION ALL SELECT 9 AS n), numbered AS (SELECT d0.n + 10 * d1.n + 100 * d2.n + 1000 *
d3.n + 10000 * d4.n AS n FROM digits d0, digits d1, digits d2, digits d3, digits d4), c AS (SELECT
DATE '2024-02-27' + n AS calendar_date FROM numbered WHERE n <= 4) SELECT 0, c.calendar_date,
CAST(EXTRACT(YEAR FROM c.calendar_date) AS SMALLINT), CAST(EXTRACT(QUARTER FROM c.calendar_date) AS
SMALLINT), CAST(EXTRACT(MONTH FROM c.calendar_date) AS SMALLINT), TO_CHAR(c.calendar_date, 'Mon'),
CAST(EXTRACT(WEEK FROM c.calendar_date) AS SMALLINT), CAST(EXTRACT(DAY FROM c.calendar_date) AS
SMALLINT), TO_CHAR(c.calendar_date, 'Dy'), EXTRACT(DOW FROM c.calendar_date) IN (0, 6) FROM c);
