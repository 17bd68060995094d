"""Composition roots: each folder is a command, ``python -m beam_pipelines.<name>``."""
