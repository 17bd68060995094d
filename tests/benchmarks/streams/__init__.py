"""Speed of streams on a Flink cluster of real processes, and of drains on Spark."""
