"""The page's looks: one style sheet for light and dark, for screens, phones and paper."""

from typing import Final

#: Roles of colors, light and dark. Series colors differ in lightness too, for the color-blind.
STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #1b2430; --muted: #5c6878; --line: #dde2e9;
  --grid: #e6eaf0; --accent: #1f5fbf; --bar: #c9dcf7; --good: #1a7f4b; --bad: #b3261e;
  --warn: #8a5a00;
  --s1: #1f5fbf; --s2: #e08a1e; --s3: #2a9d78; --s4: #b84a8a; --s5: #7a5cc9; --s6: #8894a5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1b212a; --ink: #e7ecf3; --muted: #9aa7b8; --line: #313a47;
    --grid: #2a323d; --accent: #7fb0ff; --bar: #2b4468; --good: #5fd39a; --bad: #ff8a80;
    --warn: #ffc66b;
    --s1: #7fb0ff; --s2: #ffb454; --s3: #5fd3ac; --s4: #f08cc4; --s5: #b39dff; --s6: #93a0b2;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main, header, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 0 0 .2rem; }
h3 { font-size: .95rem; margin: 1.4rem 0 .4rem; }
p { margin: .3rem 0 .7rem; }
.lead, .note, footer { color: var(--muted); }
.note { font-size: .86rem; }
code { font: .86em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.2rem 1.3rem; margin: 1.1rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.4rem, 1fr)); gap: .7rem;
  margin: 1.1rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: .7rem .9rem; }
.tiles b { display: block; font-size: 1.2rem; line-height: 1.25; font-weight: 650;
  font-variant-numeric: tabular-nums; letter-spacing: -.01em; overflow-wrap: anywhere; }
.tiles span { color: var(--muted); font-size: .82rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .88rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .36rem .7rem .36rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { color: var(--muted); font-weight: 600; font-size: .8rem; white-space: nowrap; }
tbody th { font-weight: 500; }
tbody tr:last-child > * { border-bottom: 0; }
.gt_right { text-align: right; white-space: nowrap; } .gt_center { text-align: center; }
th:last-child, td:last-child { padding-right: 0; }
.bar { display: inline-block; min-width: 5.5rem; padding: 0 .3rem; border-radius: 3px;
  background: linear-gradient(to left, var(--bar) var(--w), transparent var(--w)); }
summary { cursor: pointer; color: var(--muted); font-size: .86rem; margin: .3rem 0; }
.zero { color: var(--muted); opacity: .55; }
figure { margin: .8rem 0 .2rem; }
figcaption { color: var(--muted); font-size: .86rem; margin-top: .2rem; }
figure svg { display: block; width: 100%; height: auto; min-width: 42rem; }
figure svg text { font-family: inherit; }
footer { padding-bottom: 2.5rem; font-size: .86rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .5rem 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 34rem) {
  main, header, footer { padding-left: .8rem; padding-right: .8rem; }
  section { padding: 1rem .9rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
}
@media print { body { background: #fff; } section { break-inside: avoid; } }
"""
