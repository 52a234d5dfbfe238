import { folded, plain, table } from '../../report/markdown.ts';
import type { BenchEnvironment } from '../environment.ts';
import type { Verdict } from '../judge/verdict.ts';
import { environmentFacts } from './words.ts';

/** GitHub takes 65,536 characters in a comment; some are left for what stands around the report. */
const MOST_CHARACTERS = 60_000;
/** Of the names of what was left out. */
const MOST_NAMED = 2000;

export const SIGNS: Readonly<Record<Verdict, string>> = Object.freeze({ pass: '✅', fail: '❌', inconclusive: '⚠️' });

/** A part of a report and what it is called where it has to be left out. Without text it is nothing. */
export type Section = readonly [name: string, text: string];

/** The head with as many sections as a comment takes, in their order; those that are left out are named. */
export function fitted(head: string, sections: readonly Section[]): string {
  const kept: string[] = [head];
  const leftOut: string[] = [];
  let length = head.length;
  for (const [name, text] of sections) {
    if (text === '') continue;
    if (length + text.length + 2 > MOST_CHARACTERS) leftOut.push(plain(name));
    else {
      kept.push(text);
      length += text.length + 2;
    }
  }
  if (leftOut.length > 0)
    kept.push(`Left out, as a comment would be too long: ${listed(leftOut)}. The page of \`--html\` has it.`);
  return `${kept.join('\n\n')}\n`;
}

/** Hundreds of names would be too long themselves. */
function listed(names: readonly string[]): string {
  let length = 0;
  const told = names.filter((name) => {
    length += name.length + 2;
    return length <= MOST_NAMED;
  });
  const others = names.length - told.length;
  return [...told, ...(others === 0 ? [] : [`${others} more`])].join(', ');
}

/** To the letter, whatever ticks it has. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

export function environmentFold(environment: BenchEnvironment): Section {
  const rows = environmentFacts(environment).map(([name, value]) => [name, plain(value)]);
  return ['the environment', folded('Environment', table(['', ''], rows, []))];
}
