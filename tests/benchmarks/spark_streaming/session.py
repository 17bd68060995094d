"""A Spark session in this process's JVM, on loopback only."""

import os
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession


def open_session(jars: list[str], java_home: str, s3: Mapping[str, str]) -> SparkSession:
    """Returns a session of two local threads.

    Args:
        jars: Paths of what pyspark has not.
        java_home: A Java 17.
        s3: ``endpoint``, ``access_key`` and ``secret_key`` of the S3 server.
    """
    os.environ["JAVA_HOME"] = java_home
    builder: Any = SparkSession.builder
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        # As large as two workers of ours may become.
        "spark.driver.memory": "2g",
        # spark.jars would copy them at each start.
        "spark.driver.extraClassPath": ":".join(jars),
        "spark.sql.session.timeZone": "UTC",
        # Two cores: more partitions of the small shuffles for the references only cost time.
        "spark.sql.shuffle.partitions": "2",
        # As our files are compressed.
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.hadoop.parquet.compression.codec.zstd.level": "1",
        "spark.hadoop.fs.s3a.endpoint": s3["endpoint"],
        "spark.hadoop.fs.s3a.access.key": s3["access_key"],
        "spark.hadoop.fs.s3a.secret.key": s3["secret_key"],
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        # Without it S3A asks each run for a disk of its own; memory is quicker.
        "spark.hadoop.fs.s3a.fast.upload.buffer": "bytebuffer",
    }
    builder = builder.master("local[2]").appName("spark_streaming")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
