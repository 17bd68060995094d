"""Empty-handed on purpose: what is defined here would be pickled by value."""

import sys

from beam_pipelines.warehouse.cli import main

sys.exit(main(sys.argv[1:]))
