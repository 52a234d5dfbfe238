import { expect } from '@jest/globals';

export interface Element {
  readonly name: string;
  readonly attributes: string;
  /** The names of the elements around it, outermost first. */
  readonly inside: string;
}

/** Every element that is opened is closed in order, and text holds no bare sign. Gives name and attributes of each. */
export function elementsOf(xml: string): Element[] {
  const open: string[] = [];
  const found: Element[] = [];
  for (const [, text, tag] of xml.replace(/^<\?xml[^>]*\?>|^<!doctype html>/, '').matchAll(/([^<]*)(<[^>]*>|$)/g)) {
    expect(text).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/);
    const [, closing, name, attributes = '', alone] =
      /^<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>$/.exec(tag!) ?? [];
    if (tag === '') continue;
    expect([tag, name]).not.toContain(undefined);
    if (closing) expect([tag, open.pop()]).toEqual([tag, name]);
    else {
      found.push({ name: name!, attributes, inside: open.join(' ') });
      if (!alone && !['meta'].includes(name!)) open.push(name!);
    }
  }
  expect(open).toEqual([]);
  return found;
}

export const attribute = (attributes: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1];
