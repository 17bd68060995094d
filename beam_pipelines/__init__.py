"""Composition roots: each folder is a command, ``python -m beam_pipelines.<name>``."""

import logging

# Beam warns of Google libraries that nobody here uses, on each import, before any program could
# set its logging up.
logging.getLogger().addFilter(lambda r: not str(r.msg).startswith("apitools not found"))
