"""How and where to run: presets and job servers of the runners, Java, Maven, local services.

This package knows no data: it imports neither ``schemas`` nor ``transforms``.
"""
