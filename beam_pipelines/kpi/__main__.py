"""Empty-handed on purpose: what is defined here would be pickled by value."""

import sys

from beam_pipelines.kpi.cli import main

sys.exit(main(sys.argv[1:]))
