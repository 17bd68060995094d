"""The main job as one would write it in Spark Structured Streaming, to measure against.

The same messages, writer schema, references, rules, derived columns and masks, in Spark's own SQL
functions only: no row passes through Python. What it leaves out, all in Spark's favor: dead letters
are not sealed, nothing is aggregated, and nothing proves what was written.
"""
