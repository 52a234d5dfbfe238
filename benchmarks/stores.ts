/**
 * How fast a store takes and gives, and what encryption costs:
 *
 *     node benchmarks/stores.ts [MiB of the large object]      (needs Ceph's gateway and age: scripts/setup.sh --tests)
 *
 * One object of 16 MiB as `wal push` writes it, into a directory and into Ceph's gateway; a large one streamed in and
 * out, with the most memory of the process that did it; the same encrypted; and encryption alone, by the age program and
 * by npm's library.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { openSealing } from '../src/storage/age-sealing.ts';
import { openDirectoryStore } from '../src/storage/directory-store.ts';
import { openS3Store } from '../src/storage/s3-store.ts';
import type { Store } from '../src/storage/store.ts';
import type { S3Gateway } from '../test/support/s3-gateway.ts';

const MIB = 1024 * 1024;
const BUCKET = 'benchmark';
const ROUNDS = 11;

/** What a child is given: everything that it opens. */
interface Task {
  readonly store: 'directory' | 's3';
  readonly directory: string;
  readonly gateway: S3Gateway;
  readonly recipient: string | undefined;
  readonly sizeMib: number;
}

if (process.argv[2] === '--child') await runChild(JSON.parse(process.argv[3]!) as Task);
else await measure(Number(process.argv[2] ?? 1024));

async function measure(sizeMib: number): Promise<void> {
  // Not in the child, whose memory is measured.
  const { startS3Gateway, stopS3Gateway } = await import('../test/support/s3-gateway.ts');
  const { clientOf } = await import('../test/support/s3-client.ts');
  const { CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const scratch = await mkdtemp('/var/tmp/structdb-bench-stores-');
  try {
    const gateway = await startS3Gateway(path.join(scratch, 's3'), process.pid);
    const client = clientOf(gateway);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    client.destroy();
    const recipient = await identityToRecipient(await generateX25519Identity());
    for (const store of ['directory', 's3'] as const) {
      const directory = path.join(scratch, 'store');
      await segments({ store, directory, gateway, recipient: undefined, sizeMib });
      for (const to of [undefined, recipient]) {
        const task: Task = { store, directory, gateway, recipient: to, sizeMib };
        const words = [import.meta.filename, '--child', JSON.stringify(task)];
        process.stdout.write(execFileSync(process.execPath, words, { encoding: 'utf8' }));
      }
    }
    for (const useProgram of [true, false]) await encryption(recipient, useProgram);
  } finally {
    await stopS3Gateway(path.join(scratch, 's3'));
    await rm(scratch, { recursive: true, force: true });
  }
}

function open({ store, directory, gateway }: Task): Store {
  const { accessKeyId, secretAccessKey, ...place } = gateway;
  if (store === 'directory') return openDirectoryStore({ path: directory, uid: process.geteuid?.() });
  const credentials = { accessKeyId, secretAccessKey };
  return openS3Store({ ...place, credentials, bucket: BUCKET, prefix: '', requestTimeoutMs: 60_000 });
}

async function segments(task: Task): Promise<void> {
  const store = open(task);
  const body = randomBytes(16 * MIB);
  const times = await timed((round) => store.putIfAbsent(`segments/${round}`, body, { plainSha256: 'a'.repeat(64) }));
  print(`${task.store}: one object of 16 MiB, only where nothing is`, times);
}

async function encryption(recipient: string, useProgram: boolean): Promise<void> {
  const name = useProgram ? 'the age program' : "npm's library";
  const sealing = await openSealing({ recipients: [recipient], searchPath: process.env.PATH, useProgram });
  for (const size of [1, 16]) {
    const body = randomBytes(size * MIB);
    print(`${name}: a buffer of ${size} MiB`, await timed(() => sealing.sealBuffer(body)));
  }
  const begin = performance.now();
  for await (const _ of sealing.seal(noise(256)));
  console.log(`${name}: a stream at ${rate(256, performance.now() - begin)}`);
}

/** Streams a large object in and out again. */
async function runChild(task: Task): Promise<void> {
  const store = open(task);
  const sealing =
    task.recipient === undefined
      ? undefined
      : await openSealing({ recipients: [task.recipient], searchPath: process.env.PATH });
  const begin = performance.now();
  const body = noise(task.sizeMib);
  const { sizeBytes } = await store.put('large', sealing ? sealing.seal(body) : body);
  const written = performance.now();
  let read = 0;
  for await (const chunk of await store.get('large')) read += (chunk as Buffer).length;
  if (read !== sizeBytes) throw new Error(`${read} bytes came back of ${sizeBytes}`);
  const [inRate, outRate] = [rate(task.sizeMib, written - begin), rate(task.sizeMib, performance.now() - written)];
  const name = `${task.store}${task.recipient === undefined ? '' : ', encrypted'}`;
  const memory = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(`${name}: ${task.sizeMib} MiB in at ${inRate}, out at ${outRate}, ${memory} MiB of memory at most`);
  await store.delete('large');
}

async function* noise(mib: number): AsyncGenerator<Buffer> {
  const chunk = randomBytes(MIB);
  for (let i = 0; i < mib; i += 1) yield chunk;
}

async function timed(work: (round: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begin = performance.now();
    await work(round);
    times.push(performance.now() - begin);
  }
  // The first one loads and connects.
  return times.slice(1).sort((a, b) => a - b);
}

function print(what: string, sorted: readonly number[]): void {
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)]!);
  console.log(`${what}: ${at(0.5)} ms (${at(0)} to ${at(1)})`);
}

function rate(mib: number, ms: number): string {
  return `${Math.round((mib * 1000) / ms)} MiB/s`;
}
