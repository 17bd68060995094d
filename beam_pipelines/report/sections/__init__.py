"""The sections of the page, each from facts to HTML."""
