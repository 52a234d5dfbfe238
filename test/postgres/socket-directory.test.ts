import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { makeSocketDirectory, removeWithSockets, SOCKETS_FILE } from '../../src/postgres/socket-directory.ts';
import { scratchDirectory } from '../support/scratch.ts';

const scratch = await scratchDirectory();
const newDirectory = () => mkdtempSync(path.join(scratch, 'd-'));

it('a folder for a socket is private, named in the directory of its server, and goes with it', async () => {
  const directory = newDirectory();
  const sockets = await makeSocketDirectory(directory, undefined);
  expect(statSync(sockets).mode & 0o777).toBe(0o700);
  expect(readFileSync(path.join(directory, SOCKETS_FILE), 'utf8')).toBe(`${sockets}\n`);
  writeFileSync(path.join(sockets, '.s.PGSQL.5432'), '');
  await removeWithSockets(directory);
  expect([directory, sockets].filter((left) => existsSync(left))).toEqual([]);
});

it('there is none that nobody names: where its name cannot be kept it is not made', async () => {
  const directory = newDirectory();
  await rm(directory, { recursive: true });
  await expect(makeSocketDirectory(directory, undefined)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('what is named there and is no such folder stays', async () => {
  const [directory, other] = [newDirectory(), newDirectory()];
  writeFileSync(path.join(directory, SOCKETS_FILE), `${other}\n`);
  await removeWithSockets(directory);
  expect([directory, other].map((each) => existsSync(each))).toEqual([false, true]);
});

it('what has no socket goes too', async () => {
  const directory = newDirectory();
  await removeWithSockets(directory);
  expect(existsSync(directory)).toBe(false);
});
