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

export async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield chunk;
}

export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of store.list(prefix)) keys.push(object.key);
  return keys;
}
