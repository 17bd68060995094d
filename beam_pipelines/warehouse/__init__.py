"""The command that makes, loads and watches the warehouse."""
