/**
 * What the status page has besides the style of all pages: light, dark and paper, a screen and a phone. `/ ""` keeps signs that
 * a style adds from screen readers; browsers that do not know it have the line before.
 */
export const STYLE = `
:root { --card: #fff; --back: #f5f6f7; --text: #1d2125; --quiet: #59616a; --line: #e3e6e9; --edge: #b4bac1; --tone: #1f6aa5; --tone-2: #9a5b00; --s1: #1f6aa5; --s2: #d08a1d; --s3: #a8321f; --s4: #a9c9e3; --s5: #8b939b; --well: #f0f2f4; }
@media screen and (prefers-color-scheme: dark) { :root { --card: #1c1f23; --back: #121417; --text: #e4e7ea; --quiet: #a0a8b0; --line: #2e3338; --edge: #4a5158; --tone: #7db8e8; --tone-2: #e8b04a; --s1: #5b9fd6; --s2: #e0a33c; --s3: #e2705f; --s4: #35587a; --s5: #737b83; --well: #25292e; } }
body { max-width: 1240px; margin: 0 auto; padding: .8rem 1rem 2rem; font-size: 14px; line-height: 1.45; font-variant-numeric: tabular-nums; }
section { border: 0; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem; } h3 { font-size: .95rem; margin: 0; font-weight: 600; } p { margin: 0; } ul { list-style: none; padding: 0; }
a { color: inherit; text-underline-offset: .15em; text-decoration-color: var(--edge); } a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 2px solid var(--tone); outline-offset: 2px; border-radius: 4px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .9em; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.sign { display: inline-block; width: 1.1em; text-align: center; font-weight: 700; } .word { font-weight: 600; white-space: nowrap; }
.empty { color: var(--quiet); padding: .6rem 0; }

#gone:not(:empty) { position: sticky; top: .5rem; z-index: 1; background: var(--text); color: var(--back); padding: .5rem .8rem; border-radius: 8px; margin-bottom: .6rem; font-weight: 600; }
.lost main { filter: grayscale(1); } .lost svg.strip { opacity: .45; }

header { display: flex; justify-content: space-between; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; margin-bottom: .6rem; }
.product { font-weight: 700; } .product span { font-weight: 400; color: var(--quiet); } .as-of { color: var(--quiet); }
.pulse { display: none; width: .55em; height: .55em; border-radius: 50%; background: var(--good); margin-right: .5em; } .live .pulse { display: inline-block; animation: pulse 2.5s ease-in-out infinite; }
@keyframes pulse { 50% { opacity: .35; } }
@media (prefers-reduced-motion: reduce) { .live .pulse { animation: none; } }

.headline { display: flex; gap: 1rem; align-items: flex-start; background: color-mix(in srgb, currentColor 7%, var(--card)); border: 1px solid color-mix(in srgb, currentColor 35%, var(--card)); border-radius: 12px; padding: 1rem 1.1rem; }
.badge { flex: none; width: 2.5rem; height: 2.5rem; border-radius: 50%; background: currentColor; font-size: 1.4rem; font-weight: 700; line-height: 2.5rem; text-align: center; } .badge span { color: var(--card); }
.headline > div { min-width: 0; color: var(--text); } h1 { font-size: 1.35rem; line-height: 1.25; } .sentence { margin-top: .3rem; overflow-wrap: anywhere; }
.counts { display: flex; flex-wrap: wrap; gap: .3rem .5rem; margin-top: .7rem; } .counts a { display: inline-block; padding: .15rem .6rem .15rem .4rem; background: var(--card); border: 1px solid var(--line); border-radius: 99px; text-decoration: none; white-space: nowrap; } .counts a:hover { border-color: var(--edge); }
nav ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: .3rem 1.2rem; margin: .9rem 0 0; } nav a { overflow-wrap: anywhere; }

.group { margin-top: .8rem; } .group h3 { margin-bottom: .3rem; } h3 .quiet { font-weight: 400; }
summary { cursor: pointer; list-style: none; } summary::-webkit-details-marker { display: none; } summary::after { content: " ›"; content: " ›" / ""; color: var(--quiet); font-weight: 700; } details[open] > summary::after { content: " ⌄"; content: " ⌄" / ""; } .line { overflow-wrap: anywhere; }
.problem { background: var(--card); border: 1px solid var(--line); border-left: 4px solid currentColor; border-radius: 8px; margin-bottom: .5rem; padding: .5rem .8rem; } .problem .message, .problem .inside { color: var(--text); } .problem .message { font-weight: 600; } .problem .line > .word { margin-right: .3rem; }
.inside { padding: .35rem 0 .2rem; } .inside > * + * { margin-top: .45rem; } .lines { list-style: disc; padding-left: 1.2rem; color: var(--quiet); } .lines li { overflow-wrap: anywhere; }
.fix > * + * { margin-top: .3rem; } .fix p::first-letter { text-transform: uppercase; } .command { display: flex; gap: .4rem; align-items: flex-start; } .command pre { flex: 1; min-width: 0; margin: 0; padding: .4rem .6rem; background: var(--well); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
button { display: none; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: .25rem .7rem; min-width: 4.6rem; cursor: pointer; } .scripted button { display: block; } .scripted .unscripted { display: none; } button:hover { border-color: currentColor; }
.runbook { color: var(--quiet); overflow-wrap: anywhere; }
.ticks { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: .15rem 1.5rem; } .ticks > li { padding: .1rem 0; border-bottom: 1px solid var(--line); } .ticks .line { padding-left: 1.4em; text-indent: -1.4em; } .ticks .sign { text-indent: 0; } .ticks .inside { padding-left: 1.4rem; }
.more, .none { margin-top: .5rem; color: var(--quiet); } .more ul { color: var(--text); } .more ul, .none ul { margin-top: .3rem; }

.database { margin-top: 2rem; } .database h2 { margin-bottom: .1rem; } .facts { color: var(--quiet); } .facts .good { color: var(--good); } .facts .bad { color: var(--bad); }
.notes { margin: .5rem 0; border-left: 4px solid currentColor; padding: .1rem 0 .1rem .7rem; } .notes li { color: var(--text); overflow-wrap: anywhere; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: .8rem; margin-top: .7rem; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem .8rem .6rem; min-width: 0; } .wide { grid-column: 1 / -1; }
.now > strong { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; } .judged .sign { width: auto; margin-right: .15em; }
.chart { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .1rem .4rem; margin: .35rem 0 .2rem; } .axis { display: flex; flex-direction: column; justify-content: space-between; text-align: right; font-size: 11px; line-height: 1; color: var(--quiet); min-width: 2.6rem; } .ends { grid-column: 2; display: flex; justify-content: space-between; font-size: 11px; line-height: 1.2; color: var(--quiet); }
.strip { display: block; } .chart svg { overflow: visible; } .chart path, .chart line { vector-effect: non-scaling-stroke; } .swatch { vertical-align: -1px; margin-right: .35rem; }
#cursor, #reading { display: none; position: fixed; pointer-events: none; } .reading #cursor, .reading #reading { display: block; } #cursor { width: 1px; background: var(--quiet); } #reading { background: var(--text); color: var(--back); border-radius: 6px; padding: .2rem .5rem; font-size: 12px; line-height: 1.35; white-space: nowrap; } #reading :first-child { opacity: .75; } .chart .strip { cursor: crosshair; }
.grid { stroke: var(--line); } .objective { stroke: var(--quiet); stroke-dasharray: 4 3; } .objective-name { fill: var(--quiet); paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
.line.first, .line.second { fill: none; stroke: var(--tone); stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; } .line.second { stroke: var(--tone-2); stroke-dasharray: 1 4; stroke-width: 2.25; }
.band { stroke-width: .75; } .band.active { fill: var(--s1); stroke: var(--s1); } .band.idle-in-transaction { fill: var(--s2); stroke: var(--s2); } .band.idle-in-transaction-aborted { fill: var(--s3); stroke: var(--s3); } .band.idle { fill: var(--s4); stroke: var(--s4); } .band.other { fill: var(--s5); stroke: var(--s5); }
.key { display: flex; flex-wrap: wrap; gap: 0 .9rem; font-size: 12px; } .key li { white-space: nowrap; } .range { color: var(--quiet); font-size: 12px; }

th { font-weight: 600; } .queries { table-layout: fixed; margin-top: .2rem; } .queries thead th { color: var(--quiet); font-weight: 400; font-size: 12px; } .queries .number { width: 6.2rem; padding-right: 0; padding-left: .9rem; } .queries .name { font-weight: 400; } .queries tbody tr:last-child > * { border-bottom: 0; }
.queries summary { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .queries details > summary::after { content: none !important; } .queries summary::before { content: "›"; content: "›" / ""; display: inline-block; width: .9rem; color: var(--quiet); font-weight: 700; } .queries details[open] summary::before { content: "⌄"; content: "⌄" / ""; } .queries details[open] summary { white-space: pre-wrap; overflow-wrap: anywhere; } .queries details p { margin-top: .2rem; overflow-wrap: anywhere; }
.bar { display: block; margin-top: .15rem; } .bar rect { fill: var(--tone); }
.samples { margin-top: .6rem; color: var(--quiet); } .samples table { color: var(--text); width: auto; min-width: 60%; background: var(--card); } .samples td, .samples th { white-space: nowrap; padding-left: .6rem; } .samples tbody th { font-weight: 400; } .scroll { overflow-x: auto; margin-top: .4rem; }
footer { color: var(--quiet); display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; justify-content: space-between; border-top: 1px solid var(--line); padding-top: .7rem; }
@media screen and (max-width: 960px) { .queries .number { width: 5.1rem; padding-left: .6rem; font-size: 13px; } }
@media screen and (max-width: 640px) {
  body { padding: .6rem .7rem 1.5rem; } .headline { padding: .8rem; gap: .7rem; } .badge { width: 2rem; height: 2rem; line-height: 2rem; font-size: 1.1rem; } h1 { font-size: 1.2rem; }
  .queries, .queries tbody { display: block; } .queries thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .queries tr { display: grid; grid-template-columns: 1fr 1fr 1.15fr 1.05fr; gap: .15rem .7rem; font-size: 13px; padding: .35rem 0; border-bottom: 1px solid var(--line); } .queries tr:last-child { border: 0; } .queries tr > * { border: 0; padding: 0; } .queries .name { grid-column: 1 / -1; min-width: 0; } .queries .number { width: auto; padding: 0; text-align: left; }
  .queries td::before { content: attr(data-name); content: attr(data-name) / ""; display: block; color: var(--quiet); font-size: 11px; }
}
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } body { font-size: 9.5pt; } .panels { grid-template-columns: repeat(2, 1fr); } button, .pulse, nav, #gone, #cursor, #reading { display: none !important; } .panel, .problem, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; height: auto; } .queries summary { white-space: pre-wrap; overflow-wrap: anywhere; }
}
`;
