"""The command that proves a lake."""
