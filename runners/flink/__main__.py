"""Entry point of ``python -m runners.flink``."""

import sys

from runners.flink._cli import main

if __name__ == "__main__":
    sys.exit(main())
