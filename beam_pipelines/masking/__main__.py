"""Runs the command; see `beam_pipelines.masking.cli`."""

import sys

from beam_pipelines.masking.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
