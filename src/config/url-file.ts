import { StructdbError } from '../core/errors.ts';
import type { ConnectionSettings } from './connection.ts';
import type { Environment } from './environment.ts';
import { resolveConnectionString } from './resolve.ts';

/** One database of many, with the name that its reader knows it by. */
export interface NamedConnection {
  readonly name: string;
  readonly connection: ConnectionSettings;
}

const FORM = 'Write one on each line: postgres://user@host:5432/database, or name = postgres://…';
const LINE = /^(?:([^\s=:]+)\s*=\s*)?(postgres(?:ql)?:\/\/\S*)$/i;

/**
 * The databases of a list: one URL on each line, or `name = url`; blank lines and lines that begin with # count for
 * nothing. Without a name it is `host/database`, with the port where it is not 5432.
 * @throws USAGE with every line that is no URL, and every name or database that comes twice.
 */
export async function parseUrlFile(text: string, file: string, environment: Environment): Promise<NamedConnection[]> {
  const problems: string[] = [];
  const databases: (NamedConnection & { readonly line: number })[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const [line, content] = [index + 1, raw.trim()];
    if (content === '' || content.startsWith('#')) continue;
    try {
      databases.push({ line, ...(await readLine(content, `line ${line} of ${file}`, environment)) });
    } catch (error) {
      if (!(error instanceof StructdbError) || error.code !== 'USAGE') throw error;
      problems.push(`line ${line}: ${error.message}`);
    }
  }
  problems.push(
    ...twice(databases, ({ connection }) => addressOf(connection), 'the same database'),
    ...twice(databases, ({ name }) => name, 'the same name'),
  );
  if (problems.length > 0) {
    throw new StructdbError(
      'USAGE',
      `The list of databases in ${file} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}; nothing was begun.`,
      {
        details: problems,
        hint: FORM,
      },
    );
  }
  if (databases.length === 0) {
    throw new StructdbError('USAGE', `The list of databases in ${file} is empty.`, {
      hint: FORM,
    });
  }
  return databases.map(({ name, connection }) => Object.freeze({ name, connection }));
}

async function readLine(content: string, source: string, environment: Environment): Promise<NamedConnection> {
  const [, name, url] = LINE.exec(content) ?? [];
  // What it is instead may be a password: it is not shown.
  if (url === undefined) throw new StructdbError('USAGE', `this is neither a URL nor name = URL.${adviceOn(content)}`);
  const connection = Object.freeze({ ...(await resolveConnectionString(url, 'the URL', environment)), source });
  return { name: name ?? nameOf(connection), connection };
}

function adviceOn(content: string): string {
  if (/\s#/.test(content)) return ' A comment has a line of its own.';
  return /postgres(ql)?:\/\/\S*\s/i.test(content) ? ' A space in a URL is written %20.' : '';
}

function nameOf({ host, port, database }: ConnectionSettings): string {
  const place = host.includes(':') ? `[${host}]` : host;
  return `${place}${port === 5432 ? '' : `:${port}`}/${database}`;
}

function addressOf(connection: ConnectionSettings): string {
  return nameOf({ ...connection, host: connection.host.toLowerCase() });
}

function twice<Item extends { readonly line: number }>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  what: string,
): string[] {
  return [...Map.groupBy(items, keyOf)]
    .filter(([, same]) => same.length > 1)
    .map(([key, same]) => `lines ${same.map(({ line }) => line).join(' and ')}: ${what}, ${key}`);
}
