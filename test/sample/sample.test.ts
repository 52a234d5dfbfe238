import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { activityOf } from '../../src/sample/activity.ts';
import {
  copyText,
  copyValue,
  defaultSample,
  type SampleTable,
  sampleChunks,
  sampleEvents,
  samplePayloads,
  sampleProjects,
  sampleTables,
} from '../../src/sample/index.ts';
import { isoTime } from '../../src/sample/iso-time.ts';
import { planProject } from '../../src/sample/project.ts';

/** More than a thousand, so that a busy project is among them. */
const small = { projects: 1200, seed: 7 };

describe('the sample data', () => {
  it('holds 10,000 projects, 10,000 payloads and 30,000 events by default', () => {
    const counts = sampleTables.map((table) => [...table.rows(defaultSample)].length);
    expect(counts).toEqual([10_000, 10_000, 30_000]);
  });

  it('is the same for the same seed and another for another seed', () => {
    expect(digest(small)).toBe(digest(small));
    expect(digest({ ...small, seed: 8 })).not.toBe(digest(small));
  });

  it('only adds rows at a larger scale', () => {
    const some = [...sampleProjects({ projects: 20, seed: 3 })];
    expect([...sampleProjects({ projects: 60, seed: 3 })].slice(0, 20)).toEqual(some);
  });

  it('has exact totals, whatever the seed: in tens up to 700, and in thousands', () => {
    const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const sizes = fc
      .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 70 }))
      .map(([thousands, tens]) => thousands * 1000 + tens * 10);
    fc.assert(
      fc.property(seeds, sizes, (seed, projects) => {
        let [payloads, events] = [0, 0];
        for (let index = 0; index < projects; index += 1) {
          const activity = activityOf(seed, index);
          payloads += activity.payloads;
          events += 1 + activity.payloads + activity.otherEvents;
        }
        expect([payloads, events]).toEqual([projects, 3 * projects]);
      }),
    );
  });

  it('has a few busy projects and many quiet ones, alike in every market', () => {
    for (const first of [0, 990_000]) {
      const events = Array.from({ length: 10_000 }, (_, index) => {
        const { payloads, otherEvents } = activityOf(1, first + index);
        return 1 + payloads + otherEvents;
      }).sort((a, b) => b - a);
      expect(events[9]).toBeGreaterThan(150);
      expect(events[0]).toBeGreaterThan(200);
      expect(events[0]).toBeLessThan(400);
      expect(events[5000]).toBeLessThanOrEqual(2);
      const ofBusiest = events.slice(0, 100).reduce((sum, count) => sum + count, 0);
      expect(ofBusiest / 30_000).toBeGreaterThan(0.1);
    }
  });

  it('gives each market its own accounts and customers, so that nobody has more projects at a larger scale', () => {
    const of = (index: number) => planProject(1, index);
    const plans = [0, 1, 99].map((market) => Array.from({ length: 2000 }, (_, index) => of(market * 10_000 + index)));
    for (const key of ['account', 'customer'] as const) {
      const names = plans.map(
        (market) => new Set(market.map((plan) => (key === 'account' ? plan.account.id : plan.customer))),
      );
      expect([...names[0]!].filter((name) => names[1]!.has(name) || names[2]!.has(name))).toEqual([]);
      expect(Math.abs(names[0]!.size - names[2]!.size)).toBeLessThan(60);
    }
  });

  it('writes in one pass what the tables give one after the other', () => {
    const texts = new Map<string, Buffer[]>();
    const rows = new Map<string, number>();
    for (const chunk of sampleChunks(small)) {
      texts.set(chunk.table, [...(texts.get(chunk.table) ?? []), chunk.text]);
      rows.set(chunk.table, (rows.get(chunk.table) ?? 0) + chunk.rows);
    }
    for (const table of sampleTables as unknown as readonly SampleTable<object>[]) {
      const columns = table.columns.map(({ name }) => name);
      const apart = Buffer.concat([...copyText(columns as never[], table.rows(small))]);
      expect(Buffer.concat(texts.get(table.name)!).equals(apart)).toBe(true);
      expect(rows.get(table.name)).toBe(apart.toString().split('\n').length - 1);
    }
  });

  it('writes times as Date does', () => {
    const times = fc.integer({ min: Date.UTC(2022, 0), max: Date.UTC(2027, 0) });
    fc.assert(fc.property(times, (ms) => expect(isoTime(ms)).toBe(new Date(ms).toISOString())));
  });

  it('gives every project an id of its own', () => {
    const ids = new Set([...sampleProjects(defaultSample)].map((project) => project.project_id));
    expect(ids.size).toBe(10_000);
  });

  it('tells one story: a project is as its events and its newest payload say', () => {
    const events = Map.groupBy(sampleEvents(small), (event) => event.project_id);
    const payloads = Map.groupBy(samplePayloads(small), (payload) => payload.project_id);
    for (const project of sampleProjects(small)) {
      const log = events.get(project.project_id)!;
      const snapshots = payloads.get(project.project_id) ?? [];
      expect(log[0]!.event_type).toBe('created');
      expect(log.map((event) => event.occurred_at)).toEqual(log.map((event) => event.occurred_at).toSorted());
      expect(log.filter((event) => event.event_type === 'payload_saved')).toHaveLength(snapshots.length);
      expect(snapshots.map((snapshot) => snapshot.version)).toEqual(snapshots.map((_, index) => index + 1));
      expect(project.updated_at).toBe(log.at(-1)!.occurred_at);
      expect(project.version).toBe(log.length);
      expect(project.content_sha256).toBe(snapshots.at(-1)?.content_sha256 ?? null);
    }
  });

  it('hashes each payload in its canonical form: keys sorted, no space, nothing else', () => {
    for (const row of samplePayloads(small)) {
      expect(row.payload).toBe(JSON.stringify(sorted(JSON.parse(row.payload))));
      expect(row.content_sha256).toBe(createHash('sha256').update(row.payload).digest('hex'));
    }
  });
});

describe('COPY text', () => {
  it('reads back as what was written, whatever the text holds', () => {
    const nasty = fc.string({ unit: fc.constantFrom('\\', '\t', '\n', '\r', 'N', 'a', 'é', '😀') });
    fc.assert(
      fc.property(fc.array(fc.record({ a: fc.option(nasty), b: nasty })), (rows) => {
        const text = Buffer.concat([...copyText(['a', 'b'], rows)]).toString();
        const lines = text.split('\n').slice(0, -1);
        expect(lines.map((line) => line.split('\t').map(plainText))).toEqual(rows.map((row) => [row.a, row.b]));
      }),
    );
  });

  it('writes NULL as \\N, and the text "\\N" as something else', () => {
    expect(copyValue(null)).toBe('\\N');
    expect(copyValue('\\N')).toBe('\\\\N');
  });

  it('comes in chunks of about 64 KiB', () => {
    const sizes = [
      ...copyText(
        ['text'],
        Array.from({ length: 3000 }, () => ({ text: 'x'.repeat(99) })),
      ),
    ].map((chunk) => chunk.length);
    expect(sizes.slice(0, -1).every((size) => size >= 65_536 && size < 65_636 + 100)).toBe(true);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(300_000);
  });
});

function digest(options: typeof small): string {
  const hash = createHash('sha256');
  for (const table of sampleTables) for (const row of table.rows(options)) hash.update(JSON.stringify(row));
  return hash.digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function plainText(field: string): string | null {
  if (field === '\\N') return null;
  const plain: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };
  return field.replace(/\\(.)/g, (_, character: string) => plain[character]!);
}
