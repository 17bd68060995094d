"""The job: Kafka -> Avro -> references -> rules -> derived columns -> masks -> Parquet."""

import json
import sys
from pathlib import Path
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as sf
from pyspark.sql.avro.functions import from_avro

from tests.benchmarks.spark_streaming.session import open_session

_FOREVER = "timestamp'9999-12-31 00:00:00'"


def main() -> None:
    """Runs the job once over what the topic holds, or tells which rules Spark can say.

    Prints one JSON object: ``rows`` read, or with ``probe`` the ids of the rules and the names of
    the derived columns that Spark refuses.
    """
    spec = json.loads(Path(sys.argv[1]).read_text())
    spark = open_session(spec["jars"], spec["java_home"], spec["s3"])
    try:
        answer = (
            {"refused": _refused(spark, spec)} if spec["probe"] else {"rows": _run(spark, spec)}
        )
        sys.stdout.write(json.dumps(answer) + "\n")
    finally:
        spark.stop()


def _run(spark: SparkSession, spec: dict[str, Any]) -> int:
    read = spark.readStream.format("kafka").options(**_kafka(spec, spec["topic"]))
    query = (
        _masked(
            _derived(_judged(_joined(spark, _decoded(read.load(), spec), spec), spec), spec), spec
        )
        .writeStream.format("parquet")
        .option("path", spec["out"])
        .option("checkpointLocation", spec["checkpoint"])
        .partitionBy("disposition", "event_date")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    return sum(progress["numInputRows"] for progress in query.recentProgress)


def _refused(spark: SparkSession, spec: dict[str, Any]) -> list[str]:
    """Returns the rules and derived columns that Spark's analyzer refuses."""
    batch = spark.read.format("kafka").options(**_kafka(spec, spec["topic"])).load()
    rows = _joined(spark, _decoded(batch, spec), spec)
    named = {rule["id"]: rule["sql"] for rule in spec["rules"]} | spec["columns"]
    refused = []
    for name, sql in named.items():
        try:
            rows.selectExpr(sql)
        except AnalysisException:
            refused.append(name)
    return refused


def _kafka(spec: dict[str, Any], topic: str) -> dict[str, str]:
    return {
        "kafka.bootstrap.servers": spec["servers"],
        "subscribe": topic,
        "startingOffsets": "earliest",
        "kafka.isolation.level": "read_committed",
    }


def _datum(schema: str) -> Any:
    # Behind Confluent's header: a zero byte and four of the schema's id.
    return from_avro(sf.expr("substring(value, 6)"), schema, {"mode": "PERMISSIVE"})


def _decoded(messages: DataFrame, spec: dict[str, Any]) -> DataFrame:
    lineage = [
        sf.col("topic").alias("_topic"),
        sf.col("partition").alias("_partition"),
        sf.col("offset").alias("_offset"),
        sf.col("timestamp").alias("_timestamp"),
        sf.expr("conv(hex(substring(value, 2, 4)), 16, 10)").alias("_schema_id"),
    ]
    rows = messages.select(*lineage, _datum(spec["schema"]).alias("row"))
    return rows.select("*", sf.expr("row IS NULL").alias("_malformed"), "row.*").drop("row")


def _joined(spark: SparkSession, rows: DataFrame, spec: dict[str, Any]) -> DataFrame:
    for reference in spec["references"]:
        name = reference["name"]
        on = f"_key_{name} = {reference['on']}"
        time = f"_from_{name} <= {reference['at']} AND _until_{name} > {reference['at']}"
        versions = sf.broadcast(_versions(spark, spec, reference))
        rows = rows.join(versions, sf.expr(f"{on} AND {time}"), "left")
    return rows


def _versions(spark: SparkSession, spec: dict[str, Any], reference: dict[str, Any]) -> DataFrame:
    """Returns a reference's keys with the interval of each version, and one struct of columns."""
    name, key, effective = reference["name"], reference["key"], reference["effective"]
    messages = spark.read.format("kafka").options(**_kafka(spec, reference["topic"])).load()
    rows = messages.select("offset", _datum(reference["schema"]).alias("row")).where(
        "row IS NOT NULL"
    )
    by_key = Window.partitionBy(f"row.{key}").orderBy(f"row.{effective}", "offset")
    until = sf.coalesce(sf.lead(f"row.{effective}").over(by_key), sf.expr(_FOREVER))
    return rows.select(
        sf.col(f"row.{key}").alias(f"_key_{name}"),
        sf.col(f"row.{effective}").alias(f"_from_{name}"),
        until.alias(f"_until_{name}"),
        sf.col("row").alias(name),
    ).cache()


def _judged(rows: DataFrame, spec: dict[str, Any]) -> DataFrame:
    errors = [rule for rule in spec["rules"] if rule["severity"] == "error"]
    others = [rule for rule in spec["rules"] if rule["severity"] != "error"]
    return rows.withColumns(
        {"_errors": sf.expr(_tripped(errors)), "_warnings": sf.expr(_tripped(others))}
    )


def _tripped(rules: list[dict[str, Any]]) -> str:
    """Returns the ids of the rules that a row trips, comma-joined; null holds, so it trips none."""
    if not rules:
        return "''"
    cases = (f"CASE WHEN NOT ({rule['sql']}) THEN '{rule['id']}' END" for rule in rules)
    return f"concat_ws(',', {', '.join(cases)})"


def _derived(rows: DataFrame, spec: dict[str, Any]) -> DataFrame:
    return rows.withColumns({name: sf.expr(sql) for name, sql in spec["columns"].items()})


def _masked(rows: DataFrame, spec: dict[str, Any]) -> DataFrame:
    shift = spec["shift"]
    shifted = rows.withColumn(shift["name"], sf.expr(shift["sql"])) if shift else rows
    bad = sf.expr("_malformed OR _errors <> ''")
    lineage = ["_topic", "_partition", "_offset", "_timestamp", "_schema_id", "_warnings"]
    return shifted.select(
        *lineage,
        "_errors",
        *(sf.expr(sql).alias(name) for name, sql in spec["masks"].items()),
        sf.when(bad, "dead_letter").otherwise("accepted").alias("disposition"),
        sf.to_date("event_time").alias("event_date"),
    )
