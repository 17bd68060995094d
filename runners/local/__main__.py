"""Entry point of ``python -m runners.local``."""

import sys

from runners.local._cli import main

if __name__ == "__main__":
    sys.exit(main())
