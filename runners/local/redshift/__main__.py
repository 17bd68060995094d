"""Entry point of ``python -m runners.local.redshift CONFIGURATION``; see `server.main`."""

import sys
from pathlib import Path

from runners.local.redshift.server import main

if __name__ == "__main__":
    main(Path(sys.argv[1]))
