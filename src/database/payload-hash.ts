import { createHash } from 'node:crypto';
import { StructdbError } from '../core/errors.ts';

/**
 * SHA-256 of the RFC 8785 (JCS) form of a payload, as 64 lower-case hex digits: what `content_sha256` holds. The same
 * data gives the same hash whatever the order of its keys or the spelling of its numbers.
 * @throws PAYLOAD_NOT_JSON, naming the place, for what JSON cannot say exactly.
 */
export function payloadHash(payload: unknown): string {
  return createHash('sha256').update(canonicalJson(payload), 'utf8').digest('hex');
}

/**
 * The RFC 8785 form: no white space, keys in the order of their UTF-16 code units (§3.2.3), numbers and strings as
 * ECMAScript writes them (§3.2.2).
 * @throws PAYLOAD_NOT_JSON for undefined, functions, symbols, bigints, non-finite numbers, lone surrogates, cycles and
 * objects that are not plain: JSON.stringify would drop or change them silently.
 */
export function canonicalJson(payload: unknown): string {
  return write(payload, '$', new Set());
}

function write(value: unknown, place: string, open: Set<object>): string {
  switch (typeof value) {
    case 'string':
      return writeString(value, place);
    case 'number':
      if (!Number.isFinite(value)) throw notJson(place, `${value} is not a JSON number`);
      // ECMAScript's own form is the one RFC 8785 asks for; -0 becomes 0 (§3.2.2.3).
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : writeStructure(value, place, open);
    default:
      throw notJson(place, `${typeof value} is not JSON`);
  }
}

function writeString(text: string, place: string): string {
  if (!text.isWellFormed()) throw notJson(place, 'a lone surrogate is not Unicode text');
  return JSON.stringify(text);
}

function writeStructure(value: object, place: string, open: Set<object>): string {
  if (open.has(value)) throw notJson(place, 'a value contains itself');
  open.add(value);
  const text = Array.isArray(value) ? writeArray(value, place, open) : writeObject(value, place, open);
  open.delete(value);
  return text;
}

function writeArray(items: readonly unknown[], place: string, open: Set<object>): string {
  // Array.from also visits the holes of a sparse array, which are undefined.
  return `[${Array.from(items, (item, index) => write(item, `${place}[${index}]`, open)).join(',')}]`;
}

function writeObject(value: object, place: string, open: Set<object>): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A payload parsed in another realm has another Object.prototype; what it has in common is to have no parent.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw notJson(place, `a ${value.constructor?.name ?? 'class instance'} is not a plain object`);
  }
  const members = Object.keys(value)
    // The default order of sort() is that of UTF-16 code units.
    .sort()
    .map((key) => {
      const here = `${place}.${key}`;
      return `${writeString(key, here)}:${write((value as Record<string, unknown>)[key], here, open)}`;
    });
  return `{${members.join(',')}}`;
}

function notJson(place: string, reason: string): StructdbError {
  return new StructdbError('PAYLOAD_NOT_JSON', `The payload has no canonical form: ${place}: ${reason}.`, {
    hint: 'Give plain JSON data: leave undefined members out, write dates and big numbers as text.',
  });
}
