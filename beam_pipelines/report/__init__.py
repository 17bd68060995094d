"""The command that makes one HTML file of what a lake holds."""
