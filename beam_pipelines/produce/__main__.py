"""Runs the command."""

import sys

from beam_pipelines.produce.cli import main

if __name__ == "__main__":
    sys.exit(main())
