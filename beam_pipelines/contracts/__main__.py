"""Runs the command; see `beam_pipelines.contracts.cli`."""

import sys

from beam_pipelines.contracts.cli import main

if __name__ == "__main__":
    sys.exit(main())
