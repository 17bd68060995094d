"""SQL as tokens: enough to change words without touching strings, comments and quoted names."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

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


class Token(NamedTuple):
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
        pairs: where the parenthesis is closed that opens at a position, and the reverse.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._out = [token.text for token in tokens]
        self._places = [i for i, token in enumerate(tokens) if token.kind != "trivia"]
        said = [tokens[i] for i in self._places]
        self.words = tuple(t.text.lower() if t.kind == "word" else t.text for t in said)
        self.kinds = tuple(token.kind for token in said)
        self.pairs: dict[int, int] = {}
        opened: list[int] = []
        for at, word in enumerate(self.words):
            if word == "(":
                opened.append(at)
            elif word == ")" and opened:
                start = opened.pop()
                self.pairs |= {start: at, at: start}

    def __len__(self) -> int:
        return len(self.words)

    def __str__(self) -> str:
        return "".join(self._out).strip()

    def word(self, at: int) -> str:
        """Returns the token at a position, empty beyond the ends."""
        return self.words[at] if 0 <= at < len(self) else ""

    def says(self, at: int, *words: str) -> bool:
        """Tells whether these bare words or signs stand at a position."""
        return self.words[at : at + len(words)] == words

    def find(self, *words: str, start: int = 0) -> int:
        """Returns the position where these words stand first; the end's if nowhere."""
        places = range(start, len(self)) if words[0] in self.words else ()
        return next((at for at in places if self.says(at, *words)), len(self))

    def put(self, at: int, text: str) -> None:
        """Replaces one token's text."""
        self._out[self._places[at]] = text

    def drop(self, start: int, end: int) -> None:
        """Removes the tokens of ``[start, end)``."""
        for at in range(start, end):
            self.put(at, "")

    def text(self, start: int, end: int) -> str:
        """Returns the SQL of ``[start, end)`` as it is by now."""
        return "".join(self._out[self._places[start] : self._places[end - 1] + 1])

    def close(self, at: int) -> int:
        """Returns where the parenthesis at ``at`` is closed; the end if nowhere."""
        return self.pairs.get(at, len(self) - 1)

    def before(self, close: int) -> str:
        """Returns the token before the parenthesis that is closed here, empty if none is."""
        return self.word(self.pairs.get(close, 0) - 1)

    def parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Returns the ranges between the outermost commas of ``[start, end)``."""
        commas, at = [], start
        while at < end:
            if self.words[at] == ",":
                commas.append(at)
            at = self.close(at) + 1 if self.words[at] == "(" else at + 1
        return [(before + 1, after) for before, after in pairwise([start - 1, *commas, end])]


def split(sql: str) -> list[Statement]:
    """Returns the statements of ``sql`` without their semicolons; empty ones are left out."""
    statements: list[list[Token]] = [[]]
    for token in lex(sql):
        if token == Token("sign", ";"):
            statements.append([])
        else:
            statements[-1].append(token)
    return [found for found in map(Statement, statements) if len(found)]
