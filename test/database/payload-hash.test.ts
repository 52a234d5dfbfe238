import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, payloadHash } from '../../src/database/payload-hash.ts';
import { projectRoot } from '../support/cli.ts';
import { sql, useServer } from '../support/postgres.ts';

interface Vector {
  readonly payload: unknown;
  readonly canonical: string;
  readonly sha256: string;
}

const server = useServer();
const json = fc.jsonValue({ maxDepth: 4 });

describe('the payload hash', () => {
  it('gives the test vectors of docs/payload-hash.md', async () => {
    const page = await readFile(path.join(projectRoot, 'docs/payload-hash.md'), 'utf8');
    const vectors = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(page)![1]!) as Vector[];
    expect(vectors).toHaveLength(7);
    for (const { payload, canonical, sha256 } of vectors) {
      expect(canonicalJson(payload)).toBe(canonical);
      expect(payloadHash(payload)).toBe(sha256);
    }
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555555', '333333333.3333333'],
  ])('writes the number %s as %s (RFC 8785, appendix B)', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
  });

  it('does not depend on the order of keys, and means the same data', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('survives the way through jsonb', async () => {
    // jsonb cannot hold \u0000
    const storable = json.filter((value) => !JSON.stringify(value).includes('\\u0000'));
    const samples = fc.sample(storable, 200);
    const { rows } = await sql(server.superuser, (client) =>
      client.query<{ value: unknown }>(
        'select value::jsonb as value from unnest($1::text[]) with ordinality as t(value, n) order by n',
        [samples.map((value) => JSON.stringify(value))],
      ),
    );
    expect(rows.map(({ value }) => payloadHash(value))).toEqual(samples.map((value) => payloadHash(value)));
  });

  it.each([
    ['undefined', { a: undefined }, '$.a'],
    ['a hole', { a: new Array(3) }, '$.a[0]'],
    ['NaN', [0, Number.NaN], '$[1]'],
    ['infinity', { a: { b: Number.NEGATIVE_INFINITY } }, '$.a.b'],
    ['a lone surrogate', { a: '\ud800' }, '$.a'],
    ['a lone surrogate in a key', { '\udc00': 1 }, '$.'],
    ['a bigint', { a: 1n }, '$.a'],
    ['a function', { a: () => 1 }, '$.a'],
    ['a date', { at: new Date(0) }, '$.at'],
    ['a map', { m: new Map() }, '$.m'],
    ['a value within itself', circular(), '$.self'],
  ])('has no answer for %s, and names the place', (_what, payload, place) => {
    expect(() => payloadHash(payload)).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_NOT_JSON', message: expect.stringContaining(`${place}`) }),
    );
  });
});

function circular(): unknown {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}
