"""``python -m tests.benchmarks.per_record --servers S --topic T --out FOLDER``."""

from tests.benchmarks.per_record.job import main

if __name__ == "__main__":
    main()
