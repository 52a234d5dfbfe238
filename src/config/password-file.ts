import { readFile, stat } from 'node:fs/promises';

/** What a line of a .pgpass file is matched against. */
export interface PasswordQuestion {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password of a .pgpass file for one connection: first line that matches wins, `*` matches anything, a socket is
 * called localhost (manual, "The Password File"). As libpq does, a file that others may read is not used.
 */
export async function passwordFromFile(
  file: string,
  question: PasswordQuestion,
  platform: NodeJS.Platform,
): Promise<string | undefined> {
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) return undefined;
  if (platform !== 'win32' && (info.mode & 0o077) !== 0) return undefined;
  const text = await readFile(file, 'utf8').catch(() => '');
  const host = question.host.startsWith('/') ? ['localhost', question.host] : [question.host];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#') || line === '') continue;
    const fields = splitFields(line);
    if (fields.length !== 5) continue;
    const fits = (field: string, values: readonly string[]) => field === '*' || values.includes(field);
    const [lineHost, port, database, user, password] = fields as [string, string, string, string, string];
    if (
      fits(lineHost, host) &&
      fits(port, [String(question.port)]) &&
      fits(database, [question.database]) &&
      fits(user, [question.user])
    ) {
      return password;
    }
  }
  return undefined;
}

function splitFields(line: string): string[] {
  const fields: string[] = [];
  let field = '';
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index]!;
    if (character === '\\' && index + 1 < line.length) {
      index += 1;
      field += line[index];
    } else if (character === ':' && fields.length < 4) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  return [...fields, field];
}
