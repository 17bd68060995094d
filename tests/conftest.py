"""Fixtures and hooks of every suite."""

pytest_plugins = [
    "pytester",
    "tests.servers",
    "tests.suite_times",
    "tests.beside",
    "tests.warehouse",
    "tests.loads",
    "tests.packaged_lake",
    "tests.figures",
]
