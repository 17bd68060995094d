"""Fixtures and hooks of every suite."""

pytest_plugins = ["tests.servers", "tests.suite_times"]
