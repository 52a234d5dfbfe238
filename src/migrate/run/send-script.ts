import type { EventEmitter } from 'node:events';
import type pg from 'pg';

/** Behind each statement: on a line of its own, because a statement may end with a comment. */
const END = '\n;\n';

/** A statement of a script that failed. The cause is the server's error, its position counted in that statement. */
export class ScriptError extends Error {
  /** Which statement, from 0. */
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super('A statement failed.', { cause });
    this.index = index;
  }
}

/**
 * Sends statements as one message, so that they cost one round trip; the server stops at the first that fails. To be
 * sent within a transaction, or with its BEGIN first: without one, those before the failure are undone too.
 * @throws ScriptError
 */
export async function sendScript(client: pg.Client, statements: readonly string[]): Promise<void> {
  const { connection } = client as unknown as { readonly connection: EventEmitter };
  let done = 0;
  const count = () => {
    done += 1;
  };
  connection.on('commandComplete', count);
  try {
    await client.query(statements.map((statement) => `${statement}${END}`).join(''));
  } catch (error) {
    throw locate(error, statements, done);
  } finally {
    connection.off('commandComplete', count);
  }
}

/** A position tells the statement too, also of a syntax error, for which the server looks before it does anything. */
function locate(error: unknown, statements: readonly string[], done: number): ScriptError {
  const { position } = error as { position?: string };
  if (position === undefined) return new ScriptError(done, error);
  let before = 0;
  for (const [index, statement] of statements.entries()) {
    // The server counts characters, JavaScript UTF-16 units.
    const length = [...statement].length;
    if (Number(position) <= before + length + END.length) {
      return new ScriptError(index, Object.assign(error as Error, { position: String(Number(position) - before) }));
    }
    before += length + END.length;
  }
  return new ScriptError(done, error);
}
