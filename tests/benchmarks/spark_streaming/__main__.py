"""``python -m tests.benchmarks.spark_streaming SPEC``; SPEC is what ``spec.write_spec`` wrote."""

from tests.benchmarks.spark_streaming.job import main

if __name__ == "__main__":
    main()
