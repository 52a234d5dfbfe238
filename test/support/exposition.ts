/** One family of Prometheus' text format as a test looks at it. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly series: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** Reads the text of an exporter. Throws on what is no sample, and on a series that is there twice. */
export function readExposition(text: string): Map<string, Family> {
  const families = new Map<string, { type: string; help: string; series: Family['series'][number][] }>();
  const seen = new Set<string>();
  const family = (name: string) => {
    const known = families.get(name) ?? { type: 'untyped', help: '', series: [] };
    families.set(name, known);
    return known;
  };
  for (const line of text.split('\n').filter(Boolean)) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      if (comment[1] === 'HELP') family(comment[2]!).help = comment[3]!;
      else family(comment[2]!).type = comment[3]!;
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line);
    if (!sample) throw new Error(`No sample: ${line}`);
    const [, name, braces = '', value] = sample;
    if (seen.has(name + braces)) throw new Error(`Twice: ${name}${braces}`);
    seen.add(name + braces);
    family(name!).series.push({ labels: readLabels(braces), value: Number(value) });
  }
  return families;
}

function readLabels(braces: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name, value] of braces.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
    labels[name!] = value!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  return labels;
}

/** The value of the one series that has these labels, others aside; undefined where there is none. */
export function numberOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = (families.get(name)?.series ?? []).filter(({ labels: own }) =>
    Object.entries(labels).every(([key, value]) => own[key] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} series of ${name} have these labels.`);
  return found[0]?.value;
}
