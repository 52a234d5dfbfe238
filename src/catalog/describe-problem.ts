import type { RowProblem } from './rows.ts';

/** A cell of more characters is not shown whole: a quote that is not closed makes one of half a file. */
const LONGEST_SHOWN = 200;

/**
 * `weight "heavy": not a number`, in one line whatever the file holds: its line breaks would be taken for those of the list,
 * and its escape sequences would reach the terminal.
 */
export function describeProblem({ column, value, reason }: Pick<RowProblem, 'column' | 'value' | 'reason'>): string {
  const text = value.trim();
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return `${column} "${shown}": ${reason}`.replace(/\p{Cc}/gu, escaped);
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  return NAMED[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
