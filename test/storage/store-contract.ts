import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readObject, requireKey, type Store } from '../../src/storage/store.ts';

/** What every store must do, whatever it stands on. `open` gives an empty store. */
export function describeStoreContract(name: string, open: () => Promise<Store>): void {
  describe(`${name} as a store`, () => {
    it('gives back what was streamed in, with its size and SHA-256', async () => {
      const store = await open();
      const chunks = [randomBytes(300_000), Buffer.alloc(0), randomBytes(5)];
      const whole = Buffer.concat(chunks);
      const written = await store.put('a/b/object.bin', streamOf(chunks));
      expect(written).toEqual({ sizeBytes: 300_005, sha256: createHash('sha256').update(whole).digest('hex') });
      expect(await readObject(store, 'a/b/object.bin')).toEqual(whole);
      expect(await store.head('a/b/object.bin')).toMatchObject({ key: 'a/b/object.bin', sizeBytes: 300_005 });
    });

    it('reads ranges with both ends included', async () => {
      const store = await open();
      await store.putIfAbsent('r', Buffer.from('0123456789'));
      const read = async (range: { start: number; end?: number }) => {
        const parts: Buffer[] = [];
        for await (const part of await store.get('r', range)) parts.push(part as Buffer);
        return Buffer.concat(parts).toString();
      };
      expect(await read({ start: 2, end: 4 })).toBe('234');
      expect(await read({ start: 7 })).toBe('789');
    });

    it('gives nothing for a range behind the end, and for an empty object', async () => {
      const store = await open();
      await store.putIfAbsent('r', Buffer.from('0123'));
      await store.putIfAbsent('empty', Buffer.alloc(0));
      await store.put('empty-stream', streamOf([]));
      expect(await bytesOf(await store.get('r', { start: 4 }))).toEqual(Buffer.alloc(0));
      expect(await bytesOf(await store.get('r', { start: 3, end: 900 }))).toEqual(Buffer.from('3'));
      expect(await readObject(store, 'empty')).toEqual(Buffer.alloc(0));
      expect(await store.head('empty-stream')).toMatchObject({ sizeBytes: 0 });
    });

    it('keeps what is larger than one part of an upload', async () => {
      const store = await open();
      const whole = randomBytes(21 * 1024 * 1024);
      const chunks = [whole.subarray(0, 9_000_001), whole.subarray(9_000_001, 9_000_002), whole.subarray(9_000_002)];
      const written = await store.put('large', streamOf(chunks));
      expect(written).toEqual({
        sizeBytes: whole.length,
        sha256: createHash('sha256').update(whole).digest('hex'),
      });
      expect((await readObject(store, 'large')).equals(whole)).toBe(true);
      expect(await bytesOf(await store.get('large', { start: 8_388_600, end: 8_388_620 }))).toEqual(
        whole.subarray(8_388_600, 8_388_621),
      );
    });

    it('may be left in the middle of reading', async () => {
      const store = await open();
      await store.put('large', streamOf([randomBytes(4 * 1024 * 1024)]));
      for await (const _ of await store.get('large')) break;
      const body = await store.get('large');
      body.destroy();
      await store.delete('large');
      expect(await store.head('large')).toBeUndefined();
    });

    it('keeps the note of the plain checksum with the object, and the first one stays', async () => {
      const store = await open();
      const [first, second] = ['a'.repeat(64), 'b'.repeat(64)];
      expect(await store.plainSha256('n')).toBeUndefined();
      expect(await store.putIfAbsent('n', Buffer.from('x'), { plainSha256: first })).toBe(true);
      expect(await store.putIfAbsent('n', Buffer.from('x'), { plainSha256: second })).toBe(false);
      expect(await store.putIfAbsent('plain', Buffer.from('x'))).toBe(true);
      expect([await store.plainSha256('n'), await store.plainSha256('plain')]).toEqual([first, undefined]);
      expect(await keysOf(store, '')).toEqual(['n', 'plain']);
      await store.delete('n');
      expect(await store.plainSha256('n')).toBeUndefined();
      expect(await store.putIfAbsent('n', Buffer.from('x'), { plainSha256: second })).toBe(true);
    });

    it('lists more than one answer of S3 holds, in order, and so many folders', async () => {
      const store = await open();
      const keys = Array.from({ length: 1050 }, (_, index) => `many/${String(index).padStart(4, '0')}/x`);
      const waiting = keys.toReversed();
      const write = async () => {
        for (let key = waiting.pop(); key !== undefined; key = waiting.pop())
          await store.putIfAbsent(key, Buffer.from('x'));
      };
      await Promise.all(Array.from({ length: 8 }, write));
      expect(await keysOf(store, 'many/')).toEqual(keys);
      expect(await store.folders('many/')).toHaveLength(1050);
    });

    it('takes names with blanks, signs and percent codes', async () => {
      const store = await open();
      const keys = ["a b/c+d=e@f!('g')", 'z/20261124T020000.000Z-dump-my%20db%2F%C3%BC/m', 'é/ü~'];
      for (const key of keys) await store.putIfAbsent(key, Buffer.from(key));
      expect(await keysOf(store, '')).toEqual(keys);
      for (const key of keys) expect((await readObject(store, key)).toString()).toBe(key);
      expect(await store.folders('')).toEqual(['a b', 'z', 'é']);
    });

    it('says that an absent object is absent', async () => {
      const store = await open();
      expect(await store.head('no/such')).toBeUndefined();
      await expect(store.get('no/such')).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
      await store.delete('no/such');
      expect(await keysOf(store, '')).toEqual([]);
      expect(await store.folders('')).toEqual([]);
    });

    it('never overwrites with putIfAbsent, and says whether it wrote', async () => {
      const store = await open();
      expect(await store.putIfAbsent('x/once', Buffer.from('first'))).toBe(true);
      expect(await store.putIfAbsent('x/once', Buffer.from('second'))).toBe(false);
      expect((await readObject(store, 'x/once')).toString()).toBe('first');
    });

    it('lets exactly one of many racing writers win, and keeps the content whole', async () => {
      const store = await open();
      const bodies = Array.from({ length: 12 }, (_, index) => Buffer.alloc(50_000, index));
      const won = await Promise.all(bodies.map((body) => store.putIfAbsent('race/object', body)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await readObject(store, 'race/object')).toEqual(bodies[won.indexOf(true)]);
    });

    it('leaves nothing behind when the stream fails, and keeps what was there', async () => {
      const store = await open();
      await store.put('f/kept', streamOf([Buffer.from('old')]));
      const failing = async function* () {
        yield Buffer.from('half of it');
        throw new Error('the source broke');
      };
      await expect(store.put('f/kept', failing())).rejects.toThrow('the source broke');
      await expect(store.put('f/new', failing())).rejects.toThrow('the source broke');
      expect(await keysOf(store, '')).toEqual(['f/kept']);
      expect((await readObject(store, 'f/kept')).toString()).toBe('old');
      expect(await store.sweep('f/')).toBe(0);
    });

    it('leaves nothing behind when a large stream fails in its middle', async () => {
      const store = await open();
      const failing = async function* () {
        for (let i = 0; i < 20; i += 1) yield Buffer.alloc(1024 * 1024, i);
        throw new Error('the source broke');
      };
      await expect(store.put('f/large', failing())).rejects.toThrow('the source broke');
      expect(await keysOf(store, '')).toEqual([]);
      expect(await store.sweep('f/')).toBe(0);
    });

    it('lists by any prefix, sorted, and folders one level deep', async () => {
      const store = await open();
      const keys = ['1/wal/A', '1/wal/AB', '1/wal/B', '1/backups/x/m', '2/z'];
      for (const key of keys) await store.putIfAbsent(key, Buffer.from(key));
      expect(await keysOf(store, '')).toEqual([...keys].sort());
      expect(await keysOf(store, '1/wal/A')).toEqual(['1/wal/A', '1/wal/AB']);
      expect(await keysOf(store, '1/')).toEqual(['1/backups/x/m', '1/wal/A', '1/wal/AB', '1/wal/B']);
      expect(await keysOf(store, '3')).toEqual([]);
      expect(await store.folders('1/')).toEqual(['backups', 'wal']);
      expect(await store.folders('')).toEqual(['1', '2']);
    });

    it('forgets a deleted object and the folder it was alone in', async () => {
      const store = await open();
      await store.putIfAbsent('d/e/one', Buffer.from('1'));
      await store.putIfAbsent('d/two', Buffer.from('2'));
      await store.delete('d/e/one');
      expect(await keysOf(store, '')).toEqual(['d/two']);
      expect(await store.folders('d/')).toEqual([]);
    });

    it('refuses keys that lead outside or hide', async () => {
      const store = await open();
      for (const key of ['', '/etc/passwd', '../x', 'a/../b', 'a//b', 'a/', 'a/.hidden', 'a\\b', 'a\u0000b']) {
        await expect(store.head(key)).rejects.toMatchObject({ code: 'INTERNAL' });
        await expect(store.putIfAbsent(key, Buffer.from('x'))).rejects.toMatchObject({ code: 'INTERNAL' });
      }
    });

    it('accepts no key from which a path could climb', () => {
      fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', '\\', '\n', '%') }), (key) => {
          try {
            requireKey(key);
          } catch {
            return true;
          }
          return !key.startsWith('/') && key.split('/').every((part) => part !== '' && !part.startsWith('.'));
        }),
      );
    });
  });
}

async function bytesOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield chunk;
}

export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of store.list(prefix)) keys.push(object.key);
  return keys;
}
