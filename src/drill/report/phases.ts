/** `firstWriteMs` as people read it: `first write`. */
export function phaseName(key: string): string {
  return key
    .replace(/Ms$/, '')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .trim();
}
