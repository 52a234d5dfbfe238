/** Markdown as GitHub shows it, in which nothing of what is told is markup. */

/** Cells are Markdown already; `right`: the columns of numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[]): string {
  return [head, head.map((_, at) => (right.includes(at) ? '--:' : '---')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** The empty lines make Markdown of what is folded. */
export function folded(summary: string, text: string): string {
  return `<details><summary>${plain(summary)}</summary>\n\n${text}\n\n</details>`;
}

/** A name that somebody chose, to the letter. */
export function code(text: string): string {
  return `<code>${plain(text)}</code>`;
}

/**
 * Text in which nothing is markup, on any line: neither the characters of Markdown nor what GitHub links by itself
 * (mentions, numbers of issues, addresses), which an empty comment takes apart.
 */
export function plain(text: string): string {
  return entities(text).replace(/&#(64|35);|:(?=\/\/)|www(?=\.)/gi, (found) => `${found}<!-- -->`);
}

function entities(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/\s+/g, ' ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what no reader can show
      .replace(/[\u0000-\u001f\u007f]/g, '?')
      .replace(/[!#$&*<=>@[-`{-~]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  );
}
