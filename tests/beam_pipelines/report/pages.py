"""Reading a page as a browser would: its tables, its words, what it refers to."""

from html.parser import HTMLParser

#: Elements that have no end.
VOID = {"meta", "br", "img", "hr", "input", "link", "path", "use", "rect", "line"}


class Page(HTMLParser):
    """A page's structure.

    Attributes:
        tables: Rows of cells of each table, by the label that the table's frame has.
        tags: The names of its elements, in order.
        ids: The ids of its elements, in order.
        outside: What it refers to beyond itself.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.outside: list[str] = []
        self.open: list[str] = []
        self._label = ""
        self._cell = False
        self.feed(html)
        self.close()
        self.text = html

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in held:
            self.ids.append(held["id"])
        for name in ("href", "src", "xlink:href", "action", "data"):
            if not held.get(name, "#").startswith("#"):
                self.outside.append(held[name])
        self._label = held.get("aria-label", self._label)
        if tag == "table":
            self.tables[self._label] = []
        if tag == "tr":
            self.tables[self._label].append([])
        if tag in ("td", "th"):
            self.tables[self._label][-1].append("")
            self._cell = True

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, f"{tag} ends where it is not open"
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        if self._cell:
            self.tables[self._label][-1][-1] += data
