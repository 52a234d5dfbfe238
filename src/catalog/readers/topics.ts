/** What each chapter of a standard is about, in one word to search by. Sections inherit it from their chapter. */
const TOPICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'AISC 360': {
    A: 'general',
    B: 'design requirements',
    C: 'stability',
    D: 'tension',
    E: 'compression',
    F: 'flexure',
    G: 'shear',
    H: 'combined forces',
    I: 'composite',
    J: 'connections',
    K: 'connections',
    L: 'serviceability',
    M: 'fabrication',
    N: 'quality',
  },
  'AISI S100': {
    A: 'general',
    B: 'design requirements',
    C: 'stability',
    D: 'tension',
    E: 'compression',
    F: 'flexure',
    G: 'shear',
    H: 'combined forces',
    I: 'assemblies',
    J: 'connections',
    K: 'testing',
    L: 'serviceability',
    M: 'fatigue',
  },
  'ASCE/SEI 7': {
    1: 'general',
    2: 'load combinations',
    3: 'dead load',
    4: 'live load',
    5: 'flood',
    6: 'tsunami',
    7: 'snow',
    8: 'rain',
    10: 'ice',
    ...Object.fromEntries(range(11, 23).map((chapter) => [chapter, 'seismic'])),
    ...Object.fromEntries(range(26, 31).map((chapter) => [chapter, 'wind'])),
    32: 'tornado',
  },
};

/** The topic of a section (`F2`, `Chapter 26`, `Table 1.5-1`, `26.10.1`), or null where standard and chapter do not tell. */
export function topicOf(standard: string, section: string): string | null {
  const chapter = /^(?:Chapter |Table |Figure |Section )?([A-Z](?=\d|\.|$)|\d+)/.exec(section)?.[1];
  return (chapter !== undefined && TOPICS[standard]?.[chapter]) || null;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
