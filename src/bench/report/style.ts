/** What the page of a benchmark has besides the style of all pages. Widths are those of a phone, a screen and A4. */
export const STYLE = `
:root { --tone: #2f6f9f; --soft: #2f6f9f55; --target: #222; }
@media screen and (prefers-color-scheme: dark) { :root { --tone: #7fb2d6; --soft: #7fb2d655; --target: #eee; } }
body { max-width: 1080px; }
h2 { padding-top: .6rem; } nav ul { columns: 16rem; } a { color: inherit; }
.lines { margin: .5rem 0; } .lines li { overflow-wrap: anywhere; } .doubt { border-left: 4px solid var(--open); padding-left: .7rem; margin: .6rem 0; }
code { overflow-wrap: anywhere; } th { font-weight: 600; } tbody th[scope=row] { font-weight: 400; }
caption { text-align: left; font-weight: 600; padding: .8rem 0 .2rem; }
.group th { padding-top: .9rem; border-bottom-color: var(--edge); }
.queries td, .queries th { vertical-align: middle; } .queries .picture { width: 34%; } .queries .name { min-width: 9rem; overflow-wrap: break-word; } td small { display: block; color: var(--quiet); white-space: nowrap; } .resources td, .resources th { vertical-align: middle; } .share { width: 36%; } .resources th[scope=row] { white-space: nowrap; }
.word { white-space: nowrap; } .word .good, .word .bad, .word .open { font-weight: 600; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
svg.strip { display: block; overflow: visible; } svg { color: var(--quiet); }
.grid { stroke: var(--line); } .target { stroke: var(--target); stroke-width: 1.5; stroke-dasharray: 4 3; }
.span { fill: var(--soft); } .interval { fill: var(--tone); fill-opacity: .45; } .edge { stroke: var(--tone); stroke-width: 2; }
.ring { fill: var(--back); stroke: var(--tone); stroke-width: 1.5; } .whole { fill: var(--line); }
.span.fail { fill: color-mix(in srgb, var(--bad) 30%, transparent); } .interval.fail, .dot.fail { fill: var(--bad); } .edge.fail, .ring.fail, line.interval.fail { stroke: var(--bad); }
.span.inconclusive { fill: color-mix(in srgb, var(--open) 30%, transparent); } .interval.inconclusive, .dot.inconclusive { fill: var(--open); } .edge.inconclusive, .ring.inconclusive, line.interval.inconclusive { stroke: var(--open); }
.curve { fill: none; stroke: var(--tone); stroke-width: 1.75; stroke-linejoin: round; } .second { fill: none; stroke: var(--tone); stroke-width: 1.25; opacity: .8; }
.dot { fill: var(--tone); } line.interval { stroke: var(--tone); stroke-width: 5; stroke-opacity: .55; } .whisker { stroke: var(--tone); stroke-width: 1.5; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: .8rem 1.2rem; }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; overflow-wrap: anywhere; } figcaption small { font-weight: 400; color: var(--quiet); display: block; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; } .key svg { width: 28px; vertical-align: middle; margin-right: .3rem; display: inline-block; }
details { border-bottom: 1px solid var(--line); padding: .25rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; } summary:focus-visible, [tabindex]:focus-visible, a:focus-visible { outline: 2px solid var(--tone); outline-offset: 2px; }
details.point { border-bottom: 0; } details.point > summary { font-size: 1.2rem; font-weight: 700; margin-top: 1rem; }
details dl { display: grid; grid-template-columns: max-content 1fr max-content 1fr; gap: .1rem 1rem; margin: .4rem 0 .6rem; } dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: color-mix(in srgb, var(--text) 6%, transparent); padding: .6rem; font-size: .85rem; line-height: 1.4; }
@media screen { .scroll td, .scroll th { overflow-wrap: break-word; } } .sides th { white-space: nowrap; }
@media screen and (max-width: 700px) {
  .queries thead th:not(.picture) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .queries thead tr, .queries thead, .queries tbody { display: block; } .queries thead .picture { display: block; width: auto; }
  .queries tbody tr:not(.group) { display: grid; grid-template: "name name word" auto "picture picture picture" auto "p50 p95 p99" auto / 1fr 1.5fr 1fr; border-bottom: 1px solid var(--line); padding: .3rem 0; }
  .queries tbody tr:not(.group) > * { border: 0; padding: 0; text-align: left; } .queries .name { grid-area: name; } .queries .word { grid-area: word; text-align: right !important; }
  .queries .group { display: block; } .queries .group th { display: block; }
  .queries .picture { grid-area: picture; width: auto; } .queries .p50 { grid-area: p50; } .queries .p95 { grid-area: p95; } .queries .p99 { grid-area: p99; text-align: right !important; } .queries .limit { display: none; }
  .queries td[data-name]::before { content: attr(data-name) " "; color: var(--quiet); }
  details dl { grid-template-columns: 1fr; } dd { margin-bottom: .3rem; }
  .share { display: none; } .resources { font-size: .9rem; } .resources td, .resources th { padding-right: .4rem; } .resources th[scope=row] { white-space: normal; overflow-wrap: break-word; } .resources .number, .resources .word { white-space: normal; }
}
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 9.5pt; } .queries .picture { min-width: 12.5rem; } .queries .limit { display: none; } .queries td, .queries th { padding-right: .35rem; } nav { display: none; } .cards { grid-template-columns: repeat(3, 1fr); } figure, tr, .doubt { break-inside: avoid; } h2, h3, caption, .group { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; height: auto; } pre { white-space: pre-wrap; font-size: 7.5pt; } thead { display: table-header-group; }
}
`;
