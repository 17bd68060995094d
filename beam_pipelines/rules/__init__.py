"""The command that checks, explains and tries rules."""
