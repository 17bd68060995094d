"""The main job as one would write it in Beam's Python SDK without thinking of speed: per record.

A DoFn that polls Kafka, fastavro, dicts, rules and masks as Python functions, WriteToParquet. What
it leaves out, all in its favor: dead letters, aggregates, exactly once.
"""
