import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import { exists } from '../../src/config/project.ts';
import { temporaryRoot } from '../../src/programs/own-directory.ts';
import { type CliOptions, type CliResult, structdb } from '../support/cli.ts';

export interface Checkout {
  readonly directory: string;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** `dev start --json`, expected to succeed. */
  start(options?: CliOptions): Promise<CliResult['json']>;
  postmasterPid(): Promise<number>;
}

const made: Checkout[] = [];
const folders: string[] = [];

afterAll(async () => {
  // In this order: a server whose files are gone can no longer be stopped by its owner.
  for (const { directory, run } of made) {
    if (await exists(path.join(directory, '.structdb'))) await run(['dev', 'reset', '--with-backups', '--yes']);
  }
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A folder that goes after the servers in it. 0755, so that the server's user reaches what is in it. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(temporaryRoot(), 'structdb-test-'));
  folders.push(folder);
  await chmod(folder, 0o755);
  return folder;
}

/** An empty project of its own, whose private server goes with the tests of the file. */
export async function newCheckout(files: Readonly<Record<string, string>> = {}, under?: string): Promise<Checkout> {
  const directory = path.join(under ?? (await newFolder()), 'project');
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(directory, name), text);
  const checkout: Checkout = {
    directory,
    run: (args, options = {}) => structdb(args, { cwd: directory, ...options }),
    async start(options) {
      const result = await checkout.run(['dev', 'start', '--json'], options);
      if (result.exitCode !== 0) throw new Error(result.stderr);
      return result.json.result;
    },
    async postmasterPid() {
      const { json } = await checkout.run(['dev', 'status', '--json']);
      const text = await readFile(path.join(json.result.dataDirectory, 'postmaster.pid'), 'utf8');
      return Number(text.split('\n')[0]);
    },
  };
  made.push(checkout);
  return checkout;
}
