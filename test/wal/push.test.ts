import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { exists } from '../../src/config/project.ts';
import type { ArchiveSettings } from '../../src/repository/archive-settings.ts';
import { decompress } from '../../src/repository/wal-frames.ts';
import { type Checkout, newCheckout, newFolder } from '../devdb/support.ts';

const isRoot = process.geteuid?.() === 0;
let checkout: Checkout;
/** Whole segments of the cluster, as they were in pg_wal. */
let walFolder: string;
let settings: ArchiveSettings;
/** Where `dev start` laid the program down. */
let programFolder: string;
/** Names of two of them, in order. */
let segments: string[];

/** A private server whose WAL and bundled archive program the tests use; it archives into its own store meanwhile. */
beforeAll(async () => {
  checkout = await newCheckout();
  const started = await checkout.start();
  await psql('create table load as select g, repeat(md5(g::text), 10) as filler from generate_series(1, 20000) g');
  await psql('select pg_switch_wal()');
  await psql('insert into load select * from load limit 1000');
  await psql('select pg_switch_wal()');
  programFolder = path.join(started.directory, 'archive');
  settings = JSON.parse(await readFile(path.join(programFolder, 'archive.json'), 'utf8'));
  // A fast shutdown archives what is left. Taken from the archive: in pg_wal a checkpoint recycles segments.
  await checkout.run(['dev', 'stop']);
  walFolder = await newFolder();
  const timeline = path.join(started.storeDirectory, settings.systemIdentifier, 'wal', '00000001');
  segments = (await readdir(timeline))
    .filter((name) => /^[0-9A-F]{24}\.zst$/.test(name))
    .map((name) => name.slice(0, 24))
    .sort()
    .slice(0, 2);
  for (const name of segments) {
    await writeFile(inWal(name), decompress(await readFile(path.join(timeline, `${name}.zst`))));
  }
  expect(segments).toHaveLength(2);
});

async function psql(command: string): Promise<void> {
  const { exitCode, stderr } = await checkout.run(['dev', 'psql', '-X', '-q', '-c', command]);
  if (exitCode !== 0) throw new Error(stderr);
}

const inWal = (name: string) => path.join(walFolder, name);
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

interface Archive {
  readonly folder: string;
  readonly store: string;
  push(file: string): Promise<{ exitCode: number | null; signal: string | null; stderr: string }>;
  /** Path of a stored file; the segment's by default. */
  stored(name: string): string;
}

/** An archive of its own: the bundled program with an archive.json beside it, and an empty store. */
async function newArchive(changes: Partial<ArchiveSettings> = {}): Promise<Archive> {
  const folder = await newFolder();
  const store = path.join(folder, 'store');
  await copyProgram(programFolder, folder);
  const own = {
    ...settings,
    store: { type: 'directory', path: store, groupAccess: false },
    stateDirectory: path.join(folder, 'state'),
    ...changes,
  };
  await writeFile(path.join(folder, 'archive.json'), JSON.stringify(own));
  return {
    folder,
    store,
    push: (file) => runPush(folder, file),
    stored: (name) => path.join(store, settings.systemIdentifier, 'wal', name.slice(0, 8), `${name}.zst`),
  };
}

/** `wal.mjs` and what it loads. */
async function copyProgram(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (name.endsWith('.mjs')) await copyFile(path.join(from, name), path.join(to, name));
  }
}

function startPush(folder: string, file: string) {
  return spawn(process.execPath, [path.join(folder, 'wal.mjs'), 'push', file], { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function runPush(folder: string, file: string) {
  const child = startPush(folder, file);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (code, by) => resolve([code, by])),
  );
  return { exitCode, signal, stderr };
}

/** A changed copy of a segment under a name of its own. */
async function alteredSegment(change: (content: Buffer) => Buffer, name = segments[0]!): Promise<string> {
  const folder = await newFolder();
  const file = path.join(folder, name);
  await writeFile(file, change(Buffer.from(await readFile(inWal(segments[0]!)))));
  return file;
}

function overwritten(content: Buffer, write: (content: Buffer) => void): Buffer {
  write(content);
  return content;
}

describe('wal push', () => {
  it('is a small program without any package', async () => {
    const archive = await newArchive();
    const program = await readFile(path.join(archive.folder, 'wal.mjs'), 'utf8');

    const imported = [...program.matchAll(/(?:from|import)\s*\(?"([^"]+)"/g)].map(([, name]) => name!);
    expect(imported.length).toBeGreaterThan(3);
    expect(imported.filter((name) => !/^(node:|\.\/wal-)/.test(name))).toEqual([]);
    expect(program.length).toBeLessThan(60_000);
  });

  it('keeps a segment with its checksum, and stock zstd gives it back byte by byte', async () => {
    const archive = await newArchive();
    const [name] = segments;

    expect(await archive.push(inWal(name!))).toEqual({ exitCode: 0, signal: null, stderr: '' });

    const plain = await readFile(inWal(name!));
    expect((await readFile(`${archive.stored(name!)}.sha256`, 'utf8')).trim()).toBe(sha256(plain));
    expect((await unpackWithStockTool(archive.stored(name!))).equals(plain)).toBe(true);
    expect(
      JSON.parse(await readFile(path.join(archive.store, settings.systemIdentifier, 'repository.json'), 'utf8')),
    ).toMatchObject({ systemIdentifier: settings.systemIdentifier, walSegmentBytes: 16_777_216 });
  });

  it('takes the same file again, and refuses another content under its name without touching it', async () => {
    const archive = await newArchive();
    const [name] = segments;
    await archive.push(inWal(name!));
    const before = await readFile(archive.stored(name!));
    const other = await alteredSegment((content) => content.fill(1, 9000, 9100));

    expect((await archive.push(inWal(name!))).exitCode).toBe(0);
    const refused = await archive.push(other);

    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^structdb wal push: .*another content.*\n$/),
    });
    expect((await readFile(archive.stored(name!))).equals(before)).toBe(true);
  });

  it('refuses to call a damaged stored segment archived', async () => {
    const archive = await newArchive();
    const [name] = segments;
    await archive.push(inWal(name!));
    const damaged = await readFile(archive.stored(name!));
    damaged[damaged.length >> 1]! ^= 1;
    await writeFile(archive.stored(name!), damaged);

    expect((await archive.push(inWal(name!))).exitCode).toBe(1);
  });

  it('goes on after a push that was killed between checksum and segment', async () => {
    const archive = await newArchive();
    const [name] = segments;
    await archive.push(inWal(name!));
    await rm(archive.stored(name!));

    expect((await archive.push(inWal(name!))).exitCode).toBe(0);

    expect(decompress(await readFile(archive.stored(name!))).equals(await readFile(inWal(name!)))).toBe(true);
    await rm(archive.stored(name!));
    const other = await alteredSegment((content) => content.fill(1, 9000, 9100));
    expect(await archive.push(other)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('checksum') });
  });

  it('keeps history, backup and partial files under their own names', async () => {
    const archive = await newArchive();
    const folder = await newFolder();
    const [name] = segments;
    const files = {
      '00000002.history': '1\t0/3000000\tno recovery target\n',
      [`${name}.00000028.backup`]: 'START WAL LOCATION\n',
    };
    for (const [file, text] of Object.entries(files)) {
      await writeFile(path.join(folder, file), text);
      expect((await archive.push(path.join(folder, file))).exitCode).toBe(0);
      expect(decompress(await readFile(archive.stored(file))).toString()).toBe(text);
    }
    await copyFile(inWal(name!), path.join(folder, `${name}.partial`));
    expect((await archive.push(path.join(folder, `${name}.partial`))).exitCode).toBe(0);
    expect(await exists(archive.stored(`${name}.partial`))).toBe(true);
    expect(await exists(archive.stored(name!))).toBe(false);
  });

  // Every row has its name: where one is missing, Jest passes a callback in its place and waits for it.
  it.each<[string, RegExp, (content: Buffer) => Buffer, string | null]>([
    [
      'of another cluster',
      /of the cluster 1; this archive is of/,
      (content) => overwritten(content, (at) => at.writeBigUInt64LE(1n, 24)),
      null,
    ],
    [
      'of another segment size',
      /segments of 1048576 bytes/,
      (content) => overwritten(content, (at) => at.writeUInt32LE(1_048_576, 32)),
      null,
    ],
    ['that was cut', /8388608 bytes of 16777216/, (content) => content.subarray(0, 8_388_608), null],
    ['that is empty', /no header of a WAL segment/, () => Buffer.alloc(0), null],
    ['under a wrong name', /another part of the WAL/, (content) => content, '0000000100000007000000AA'],
    [
      'with a name that is none',
      /not the name of a WAL file\. archive_command passes %p/,
      (content) => content,
      'postgresql.conf',
    ],
  ])('refuses a segment %s, in one line', async (_what, line, change, name) => {
    const archive = await newArchive();
    const result = await archive.push(await alteredSegment(change, name ?? segments[0]!));

    expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(line) });
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(await readdir(archive.store, { recursive: true }).catch(() => [])).not.toContainEqual(
      expect.stringMatching(/\.zst/),
    );
  });

  it('fails with 1 and says why: no such file, no archive.json, wrong words', async () => {
    const archive = await newArchive();
    expect(await archive.push(inWal('0000000900000009000000AA'))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('There is no file'),
    });
    await rm(path.join(archive.folder, 'archive.json'));
    const unconfigured = await archive.push(inWal(segments[0]!));
    expect(unconfigured.exitCode).toBe(1);
    expect(unconfigured.stderr).toContain('structdb dev start');
    const usage = await checkout.run(['wal', 'push']);
    expect(usage.exitCode).toBe(1);
  });

  (isRoot ? it : it.skip)(
    'run by the server’s user, fails with the owner’s name where the store is not his',
    async () => {
      const archive = await newArchive();
      await mkdir(archive.store, { mode: 0o700 });
      const readable = path.join(archive.folder, segments[0]!);
      await copyFile(inWal(segments[0]!), readable);
      await chmod(readable, 0o644);
      // In a checkout below root's own folder, nobody reaches this Node.
      const node = path.join(archive.folder, 'node');
      await copyFile(process.execPath, node);
      const nobody = spawn(node, [path.join(archive.folder, 'wal.mjs'), 'push', readable], {
        uid: 65_534,
        gid: 65_534,
      });
      let stderr = '';
      nobody.stderr.on('data', (text) => {
        stderr += text;
      });
      const exitCode = await new Promise((resolve, reject) => nobody.on('close', resolve).on('error', reject));

      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('belongs to user "root"') });
      await chown(archive.store, 65_534, 65_534);
      expect((await archive.push(readable)).exitCode).toBe(0);
    },
  );

  it('ends with 1 and never by a signal when it is told to stop, and within its time limit', async () => {
    const slow = await newArchive({ timeoutMs: 1 });
    expect(await slow.push(inWal(segments[0]!))).toMatchObject({
      exitCode: 1,
      signal: null,
      stderr: expect.stringContaining('longer than 1 ms'),
    });

    const archive = await newArchive();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const child = startPush(archive.folder, inWal(segments[0]!));
      const ended = new Promise<[number | null, string | null]>((resolve) =>
        child.on('close', (...args) => resolve(args)),
      );
      // As soon as the store is there the handlers are too.
      while (child.exitCode === null && !(await exists(archive.store))) await new Promise(setImmediate);
      child.kill(signal);
      const [code, by] = await ended;
      expect({ code, by }).toEqual({ code: 1, by: null });
      await rm(archive.store, { recursive: true });
    }
  });

  it('killed at any moment, never leaves a segment that is not whole, and the next push is right', async () => {
    const archive = await newArchive();
    const [name] = segments;
    const plain = await readFile(inWal(name!));
    for (let round = 0; round < 12; round += 1) {
      const child = startPush(archive.folder, inWal(name!));
      const ended = new Promise((resolve) => child.on('close', resolve));
      const timer = setTimeout(() => child.kill('SIGKILL'), 30 + round * 12);
      await ended;
      clearTimeout(timer);
      if (await exists(archive.stored(name!))) {
        expect(decompress(await readFile(archive.stored(name!))).equals(plain)).toBe(true);
        await rm(archive.stored(name!));
      }
    }
    expect((await archive.push(inWal(name!))).exitCode).toBe(0);
    expect(decompress(await readFile(archive.stored(name!))).equals(plain)).toBe(true);
  });

  it('lets two pushes of one file both succeed, and of two contents one', async () => {
    const archive = await newArchive();
    const same = await Promise.all([archive.push(inWal(segments[0]!)), archive.push(inWal(segments[0]!))]);
    expect(same.map(({ exitCode }) => exitCode)).toEqual([0, 0]);

    const other = await alteredSegment((content) => content.fill(1, 9000, 9100));
    const second = await newArchive();
    const raced = await Promise.all([second.push(inWal(segments[0]!)), second.push(other)]);
    expect(raced.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
    const winner = raced[0]!.exitCode === 0 ? inWal(segments[0]!) : other;
    expect(decompress(await readFile(second.stored(segments[0]!))).equals(await readFile(winner))).toBe(true);
  });

  it('trims the oldest beyond the limit with their checksums, unless a base backup needs them', async () => {
    const archive = await newArchive({ trimLimitBytes: 1 });
    const timeline = path.dirname(archive.stored(segments[0]!));
    for (const name of segments) expect(await archive.push(inWal(name))).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await readdir(timeline)).sort()).toEqual([`${segments[1]}.zst`, `${segments[1]}.zst.sha256`]);

    const kept = await newArchive({ trimLimitBytes: 1 });
    const label = '20261124T020000.000Z-base';
    await mkdir(path.join(kept.store, settings.systemIdentifier, 'backups', label), { recursive: true });
    for (const name of segments) await kept.push(inWal(name));
    expect(await readdir(path.dirname(kept.stored(segments[0]!)))).toHaveLength(4);
  });
});

describe('the archiver of the private server', () => {
  it('counts a failure, is reported by dev status, and catches up by itself', async () => {
    const own = await newCheckout();
    const { storeDirectory } = await own.start();
    const psqlOwn = (command: string) => own.run(['dev', 'psql', '-X', '-At', '-c', command]);
    const aside = `${storeDirectory}.aside`;
    await promisify(execFile)('mv', [storeDirectory, aside]);
    await writeFile(storeDirectory, 'not a folder');
    await psqlOwn('create table marker as select 1 as one');
    await psqlOwn('select pg_switch_wal()');
    await until(async () => {
      const { exitCode, stdout, stderr } = await own.run(['dev', 'status']);
      expect(exitCode).toBe(0);
      expect(stderr).toContain(`The store ${storeDirectory} is a file, not a directory.`);
      return stdout.includes('Archiving fails at');
    });

    await rm(storeDirectory);
    await promisify(execFile)('mv', [aside, storeDirectory]);

    await until(async () => {
      const { json } = await own.run(['dev', 'status', '--json']);
      return json.result.wal?.lastFailed === null && json.result.wal.segments > 0 && json.result.wal.failedCount > 0;
    });
  });
});

/** PostgreSQL tries again after at most a minute. */
async function until(fulfilled: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 240_000;
  while (!(await fulfilled())) {
    if (Date.now() > end) throw new Error('it did not come to pass within 240 s');
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** `zstd -dc` where it is installed; else the frames one by one, as RFC 8878 says. */
async function unpackWithStockTool(file: string): Promise<Buffer> {
  const options = { encoding: 'buffer' as const, maxBuffer: 64 * 1024 * 1024 };
  return promisify(execFile)('zstd', ['-dc', file], options).then(
    ({ stdout }) => stdout,
    async () => {
      const parts: Buffer[] = [];
      for (let rest = await readFile(file); rest.length > 0; ) {
        const { buffer, engine } = zstdDecompressSync(rest, { info: true }) as unknown as {
          buffer: Buffer;
          engine: { bytesWritten: number };
        };
        parts.push(buffer);
        rest = rest.subarray(engine.bytesWritten);
      }
      return Buffer.concat(parts);
    },
  );
}
