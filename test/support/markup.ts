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
    if (/&(?!amp;|lt;|gt;|quot;|#39;)/.test(text!)) throw new Error(`A bare sign in: ${text}`);
    if (tag === '') continue;
    const [, closing, name, attributes = '', alone] =
      /^<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>$/.exec(tag!) ?? [];
    if (name === undefined) throw new Error(`No tag: ${tag}`);
    if (closing) {
      const last = open.pop();
      if (last !== name) throw new Error(`${tag} closes ${last}`);
    } else {
      found.push({ name, attributes, inside: open.join(' ') });
      if (!alone && name !== 'meta') open.push(name);
    }
  }
  if (open.length > 0) throw new Error(`Still open: ${open.join(', ')}`);
  return found;
}

export const attribute = (attributes: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(attributes)?.[1];
