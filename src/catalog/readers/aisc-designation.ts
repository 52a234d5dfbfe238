/**
 * The EDI name of an HSS from the label in AISC's Manual, for tables that have only the label: the wall is written in
 * decimals to three places without the leading zero (`HSS34X10X7/8` → `HSS34X10X.875`), the diameter of a round one
 * without trailing zeros (`HSS1.900X0.145` → `HSS1.9X.145`). Names of other families are the same in both forms.
 */
export function ediName(label: string): string {
  const name = label.toUpperCase();
  const match = /^HSS(.+)X([^X]+)$/.exec(name);
  if (!match) return name;
  const sides = match[1]!.split('X').map((side) => (side.includes('.') ? side.replace(/\.?0+$/, '') : side));
  return `HSS${sides.join('X')}X${wall(match[2]!)}`;
}

function wall(text: string): string {
  const fraction = /^(\d+)\/(\d+)$/.exec(text);
  // Thousandths of an inch, halves upward, as the table rounds 5/16 to .313 and 3/16 to .188.
  if (fraction) return `.${String(Math.round((Number(fraction[1]) / Number(fraction[2])) * 1000)).padStart(3, '0')}`;
  return text.replace(/^0(?=\.)/, '');
}
