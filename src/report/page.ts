import { createHash } from 'node:crypto';
import { escapeXml } from './escape.ts';

export interface PageParts {
  readonly title: string;
  readonly style: string;
  readonly body: string;
  /** Elements for the head, after the title. */
  readonly head?: string;
  /** Run when the body is there; it may ask its own server, and nobody else. */
  readonly script?: string;
}

/** One page that needs nothing else: no script, no style sheet, no font, no picture from outside, and it could not. */
export function page(parts: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(parts)}">
<title>${escapeXml(parts.title)}</title>
<style>${BASE_STYLE}${parts.style}</style>${parts.head === undefined ? '' : `\n${parts.head}`}
</head>
<body>
${parts.body}${parts.script === undefined ? '' : `\n<script>${parts.script}</script>`}
</body>
</html>
`;
}

/**
 * What a page of these parts may do: its own style and script by their hashes, and nothing that text in it could smuggle in.
 * https://www.w3.org/TR/CSP3/#grammardef-hash-source
 */
export function contentPolicy({ style, script }: Pick<PageParts, 'style' | 'script'>): string {
  const allowed = ["default-src 'none'", `style-src ${hashSource(BASE_STYLE + style)}`, 'img-src data:'];
  if (script !== undefined) allowed.push(`script-src ${hashSource(script)}`, "connect-src 'self'");
  return [...allowed, "base-uri 'none'", "form-action 'none'"].join('; ');
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** `2026-11-30 02:15:30 UTC` */
export function instant(at: string): string {
  return at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
}

/** What can be wider than a phone scrolls within itself, by keys too. */
export function scrolling(name: string, content: string): string {
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeXml(name)}">${content}</div>`;
}

/** The colours of a page, in light, dark and print (always light); a sign or a word stands beside each of them. */
const BASE_STYLE = `
:root { color-scheme: light dark; --text: #222; --quiet: #666; --line: #e4e4e4; --edge: #bbb; --back: #fff; --good: #1e7a4f; --bad: #b3261e; --open: #8a5a00; }
@media screen and (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --quiet: #a3a3a3; --line: #333; --edge: #555; --back: #161616; --good: #5fc795; --bad: #ff8a80; --open: #e8b04a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2rem 0 0; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; } p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .2rem .6rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; } ul { margin: 0; padding-left: 1.2rem; }
section { border-top: 1px solid var(--edge); } footer { margin-top: 2rem; }
.quiet { color: var(--quiet); } .good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.verdict { font-weight: 700; font-size: 1.1rem; }
.scroll { overflow-x: auto; }
@media print { body { margin: 0; max-width: none; } .scroll { overflow: visible; } }
`;
