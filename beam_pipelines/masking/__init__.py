"""The command ``python -m beam_pipelines.masking``: what a masking policy does, in a table."""
