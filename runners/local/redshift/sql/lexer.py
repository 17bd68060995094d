"""SQL as tokens: enough to change words without touching strings, comments and quoted names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Statement", "Token", "lex", "split"]

# The last alternative takes any character, so nothing is ever lost.
_TOKEN = re.compile(
    r"""
      (?P<trivia> \s+ | --[^\n]* | /\* )
    | (?P<string> [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z)
                | (?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?:(?P=tag)|\Z) )
    | (?P<quoted> "(?:[^"]|"")*(?:"|\Z) )
    | (?P<param>  \$\d+ )
    | (?P<number> (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? )
    | (?P<word>   [^\W\d][\w$]* )
    | (?P<sign>   :: | \#[>-]* | (?:(?!--|/\*)[<>=!~@&|^?+\-*/%])+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class Token:
    """A piece of SQL.

    Attributes:
        kind: ``trivia``, ``string``, ``quoted``, ``param``, ``number``, ``word`` or ``sign``.
        text: as written.
    """

    kind: str
    text: str


def lex(sql: str) -> Iterator[Token]:
    """Yields the tokens of ``sql``; their texts joined are ``sql``."""
    at = 0
    while match := _TOKEN.match(sql, at):
        end = match.end()
        if match.group() == "/*":
            end = _comment_end(sql, end)
        # The group of a dollar quote's tag comes first in lastgroup.
        kind = "string" if match.lastgroup == "tag" else str(match.lastgroup)
        yield Token(kind, sql[at:end])
        at = end


def _comment_end(sql: str, at: int) -> int:
    """Returns the end of a comment, which may hold others."""
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(sql, at)
        if edge is None:
            return len(sql)
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
    return at


class Statement:
    """One statement whose tokens can be read by position and replaced.

    Args:
        tokens: all of its tokens, trivia too.

    Attributes:
        words: what each token says: words in lower case, anything else as written; no trivia.
        kinds: the kind of each.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._out: list[str] = []
        self._places: list[int] = []
        words, kinds = [], []
        for token in tokens:
            if token.kind != "trivia":
                self._places.append(len(self._out))
                words.append(token.text.lower() if token.kind == "word" else token.text)
                kinds.append(token.kind)
            self._out.append(token.text)
        self.words = tuple(words)
        self.kinds = tuple(kinds)

    def __len__(self) -> int:
        return len(self.words)

    def __str__(self) -> str:
        return "".join(self._out).strip()

    def word(self, at: int) -> str:
        """Returns the token at a position, empty beyond the ends."""
        return self.words[at] if 0 <= at < len(self) else ""

    def says(self, at: int, *words: str) -> bool:
        """Tells whether these bare words or signs stand at a position."""
        found = self.words[at : at + len(words)]
        return found == words and "quoted" not in self.kinds[at : at + len(words)]

    def find(self, *words: str, start: int = 0) -> int:
        """Returns the position where these words stand first, -1 if nowhere."""
        return next((i for i in range(start, len(self)) if self.says(i, *words)), -1)

    def put(self, at: int, text: str) -> None:
        """Replaces one token's text."""
        self._out[self._places[at]] = text

    def drop(self, start: int, end: int) -> None:
        """Removes the tokens of ``[start, end)``."""
        for at in range(start, end):
            self.put(at, "")

    def text(self, start: int, end: int) -> str:
        """Returns the SQL of ``[start, end)`` as it is by now."""
        if start >= end:
            return ""
        return "".join(self._out[self._places[start] : self._places[end - 1] + 1])

    def close(self, at: int) -> int:
        """Returns where the parenthesis at ``at`` is closed; the end if nowhere."""
        depth = 0
        for i in range(at, len(self)):
            depth += (self.words[i] == "(") - (self.words[i] == ")")
            if depth == 0:
                return i
        return len(self) - 1

    def parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Returns the ranges between the outermost commas of ``[start, end)``."""
        found, first, depth = [], start, 0
        for i in range(start, end):
            depth += (self.words[i] == "(") - (self.words[i] == ")")
            if depth == 0 and self.words[i] == ",":
                found.append((first, i))
                first = i + 1
        return [*found, (first, end)] if first < end else found


def split(sql: str) -> list[Statement]:
    """Returns the statements of ``sql`` without their semicolons; empty ones are left out."""
    statements: list[list[Token]] = [[]]
    for token in lex(sql):
        if token == Token("sign", ";"):
            statements.append([])
        else:
            statements[-1].append(token)
    return [found for found in map(Statement, statements) if len(found)]
