import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { link, lstat, realpath, rename } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, StructdbError } from '../core/errors.ts';
import { describeProblem } from './describe-problem.ts';
import type { FileLayout } from './readers/content.ts';
import type { RawRecord } from './reading/delimited.ts';
import { type CatalogSource, nameOfSource } from './reading/source.ts';
import type { RowProblem } from './rows.ts';
import { csvLine } from './write.ts';

/** Takes the rejected records of one file of an import. */
export interface Rejects {
  /** Where they will be; undefined while there are none. */
  readonly target: string | undefined;
  add(record: RawRecord, problems: readonly RowProblem[]): void;
}

/**
 * The rejected rows of an import as files that can be mended and imported again: the header and the records with their
 * cells as they stand, as CSV in UTF-8, and beside each file what is wrong with each row (`<file>.reasons`). Rows of a
 * second file go into `<name>.2.csv`, because it may have another header. Everything is written under temporary names;
 * nothing is there before `keep`, and nothing that is there already is overwritten unless `force` says so.
 */
export class RejectedRows {
  readonly #target: string;
  readonly #force: boolean;
  readonly #files: { readonly target: string; readonly temporary: string }[] = [];
  #open: number[] = [];
  #parts = 0;

  constructor(target: string, options: { readonly force: boolean }) {
    this.#target = target;
    this.#force = options.force;
  }

  /** Looks before the work is done. @throws FILE_UNREADABLE when the file is there, USAGE when it is one to be imported */
  async check(sources: readonly CatalogSource[]): Promise<void> {
    const real = await realpath(this.#target).catch(() => undefined);
    const inputs = await Promise.all(
      sources.map((source) => (typeof source === 'string' ? realpath(source).catch(() => undefined) : undefined)),
    );
    if (real !== undefined && inputs.includes(real)) {
      throw new StructdbError('USAGE', `${this.#target} is to be imported, and cannot take the rejected rows.`, {
        hint: 'Give --rejected another name.',
      });
    }
    await this.#mayWrite(this.#target);
    await this.#mayWrite(reasonsOf(this.#target));
  }

  /** For the records of one more file; its place on disk is made with the first of them. */
  of(source: CatalogSource, layout: FileLayout): Rejects {
    const part = {
      target: undefined as string | undefined,
      rows: 0,
      write: (_: RawRecord, __: readonly RowProblem[]) => {},
    };
    const begin = () => {
      this.#parts += 1;
      const { dir, name, ext } = path.parse(this.#target);
      part.target = this.#parts === 1 ? this.#target : path.join(dir, `${name}.${this.#parts}${ext}`);
      const rows = this.#create(part.target);
      const reasons = this.#create(reasonsOf(part.target));
      const kept = (cells: readonly string[]) => cells.filter((_, at) => !layout.leftOut?.has(at));
      writeSync(rows, `${csvLine(kept(layout.header))}\n`);
      let line = 1;
      part.write = (record, problems) => {
        const cells = [...record.cells()];
        const untrusted = layout.unreadable?.get(record.line);
        // The last value of a formula would be taken for a number when the file comes back.
        if (untrusted) cells[untrusted.column] = '=?';
        const text = `${csvLine(kept(cells))}\n`;
        const from = `line ${line + 1} (${nameOfSource(source)}:${record.line})`;
        line += text.split(/\r\n|\n|\r/).length - 1;
        writeSync(rows, text);
        writeSync(reasons, problems.map((problem) => `${from}: ${describeProblem(problem)}\n`).join(''));
      };
    };
    return {
      get target() {
        return part.target;
      },
      add(record, problems) {
        if (part.target === undefined) begin();
        part.write(record, problems);
      },
    };
  }

  /** Makes what was written durable, before the rows that were good are: none may be lost between the two. */
  async finish(): Promise<void> {
    for (const { target } of this.#files) await this.#mayWrite(target);
    for (const file of this.#open) {
      fsyncSync(file);
      closeSync(file);
    }
    this.#open = [];
  }

  /** Gives the files their names. */
  async keep(): Promise<void> {
    for (const { target, temporary } of this.#files.splice(0)) {
      if (this.#force) await rename(temporary, target);
      else {
        // Unlike a rename, a link takes no name that somebody else took meanwhile.
        await link(temporary, target).catch((cause: unknown) => {
          throw new StructdbError('FILE_UNREADABLE', `Cannot write ${target}: ${(cause as Error).message}.`, {
            cause,
            hint: `The rejected rows are in ${temporary}.`,
          });
        });
        rmSync(temporary, { force: true });
      }
    }
  }

  /** Leaves nothing behind, when the import failed. */
  discard(): void {
    for (const file of this.#open.splice(0)) closeSync(file);
    for (const { temporary } of this.#files.splice(0)) rmSync(temporary, { force: true });
  }

  #create(target: string): number {
    const temporary = `${target}.${process.pid}.part`;
    try {
      const file = openSync(temporary, 'wx', 0o644);
      this.#open.push(file);
      this.#files.push({ target, temporary });
      return file;
    } catch (cause) {
      throw new StructdbError('FILE_UNREADABLE', `Cannot write ${target}: ${(cause as Error).message}.`, {
        cause,
        hint: 'Check that its directory is there and may be written.',
      });
    }
  }

  async #mayWrite(target: string): Promise<void> {
    if (this.#force) return;
    const found = await lstat(target).catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw cause;
    });
    if (found === undefined) return;
    throw new StructdbError('FILE_UNREADABLE', `${target} is there already and is not overwritten.`, {
      hint: 'Give --rejected another name, or say --force.',
    });
  }
}

/** Not an ending of a catalog: a directory that is imported may hold it. */
function reasonsOf(target: string): string {
  return `${target}.reasons`;
}
