"""The command that shows a lake and tends it."""
