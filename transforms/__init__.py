"""The transforms of the exactly-once path, each in a folder of its own."""
