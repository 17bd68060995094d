"""``python -m beam_pipelines.pharmacy.config``: prints the JSON Schema of a configuration file."""

import json
import sys

from beam_pipelines.pharmacy.config import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
