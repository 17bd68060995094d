"""The few pieces of HTML that the sections are made of. Text is escaped here, and only here."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

#: What a section shows that has nothing to tell.
NONE: Final = '<p class="note">None.</p>'


@dataclass(frozen=True)
class Tile:
    """A number of the headline.

    Attributes:
        value: The number, as people read it.
        label: What it counts.
        mood: ``good``, ``bad``, ``warn`` or empty: its color; the words must tell as much.
    """

    value: str
    label: str
    mood: str = ""


def section(title: str, anchor: str, parts: Iterable[str], lead: str = "") -> str:
    """Returns a section; its parts are HTML."""
    intro = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    body = "\n".join(part for part in parts if part) or NONE
    return (
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(title)}</h2>{intro}\n'
        f"{body}\n</section>"
    )


def heading(text: str) -> str:
    """Returns a heading below a section's."""
    return f"<h3>{escape(text)}</h3>"


def note(text: str) -> str:
    """Returns a remark in small print."""
    return f'<p class="note">{escape(text)}</p>'


def tiles(listed: Iterable[Tile]) -> str:
    """Returns the numbers of the headline."""
    items = "".join(
        f'<li><b class="{tile.mood}">{escape(tile.value)}</b><span>{escape(tile.label)}</span></li>'
        for tile in listed
    )
    return f'<ul class="tiles">{items}</ul>'


def terms(pairs: Iterable[tuple[str, str]]) -> str:
    """Returns names with what they mean."""
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs)
    return f"<dl>{listed}</dl>"


def details(summary: str, html: str) -> str:
    """Returns a part that opens on a click, without a script."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def bar(text: str, share: float) -> str:
    """Returns a number on a bar; ``share`` of the widest one, 0 to 1."""
    width = max(0.0, min(share, 1.0))
    return f'<span class="bar" style="--w:{width * 100:.0f}%">{escape(text)}</span>'
