import { describe, expect, it } from '@jest/globals';
import { checkRecords } from '../../src/catalog/checks/records.ts';
import { ediNameOfLabel } from '../../src/catalog/readers/aisc-designation.ts';
import type { CatalogContent, Declared } from '../../src/catalog/readers/content.ts';
import { readCatalog } from '../../src/catalog/readers/index.ts';
import type { MaterialRow, ReferenceRow } from '../../src/catalog/rows.ts';
import { aiscFile, csv } from './support.ts';

function read(text: string, declared: Declared = {}) {
  const content = readCatalog(Buffer.from(text), 'file.csv', declared) as CatalogContent;
  const readings = [...checkRecords(content, 'file.csv')];
  return {
    content,
    rows: readings.flatMap((reading) => reading.rows) as MaterialRow[],
    problems: readings.flatMap((reading) => reading.problems),
  };
}

describe("AISC's shapes database", () => {
  it('gives a US and an SI row from halves whose headers are the same', () => {
    const { rows, problems } = read(aiscFile(), { edition: 'v16.0' });
    expect(problems).toEqual([]);
    expect(
      rows.map(({ unitSystem, designation, numbers }) => [unitSystem, designation, numbers.weight, numbers.ix]),
    ).toEqual([
      ['US', 'W14X90', '90', '999'],
      ['SI', 'W360X134', '134', '416000000'],
    ]);
    expect(rows[0]!.properties.get('counterpart')).toEqual({ text: 'W360X134' });
    expect(rows[0]!.properties.get('web_thickness')).toBe('0.4375');
    expect(rows[0]!.properties.get('z_b')).toBeUndefined();
  });

  it('keeps h and H, b and B, t and T apart', () => {
    const names = ['h', 'H', 'b', 'B', 't', 'T'];
    const header = `${aiscFile({ halves: 1 }).split('\n')[0]},${names.join(',')}`;
    const row = `${aiscFile({ halves: 1 }).split('\n')[1]},1,2,3,4,5,6`;
    const { rows } = read(`${header}\n${row}\n`, { edition: 'v16.0', unitSystem: 'US' });
    const values = [
      'flat_height',
      'flexural_constant',
      'leg_or_flat_width',
      'overall_width',
      'leg_thickness',
      'web_flat',
    ];
    expect(values.map((name) => rows[0]!.properties.get(name))).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it.each(['–', '-', '', ' – ', '—', '−', '\u00a0'])('takes "%s" for no value', (dash) => {
    const { rows, problems } = read(aiscFile({ shapes: [{ rx: dash }] }), { edition: 'v16.0' });
    expect(problems).toEqual([]);
    expect(rows[0]!.numbers.rx).toBeNull();
  });

  it('keeps the real zero of zB and refuses any other', () => {
    const { rows } = read(aiscFile({ shapes: [{ zB: '0.00' }] }), { edition: 'v16.0' });
    expect(rows[0]!.properties.get('z_b')).toBe('0');
    expect(read(aiscFile({ shapes: [{ Ht: '0.00' }] }), { edition: 'v16.0' }).problems).toMatchObject([
      { line: 2, column: 'Ht (US)', value: '0.00', reason: expect.stringContaining('zero') },
    ]);
  });

  it.each(['tan(a)', 'tan(?)', 'tan(_)'])('knows %s for tan(α)', (name) => {
    const text = aiscFile({ halves: 1, header: (names) => names.map((n) => (n === 'tan(α)' ? name : n)) });
    expect(read(text, { edition: 'v16.0', unitSystem: 'US' }).content.columns).toContain('tan_alpha');
  });

  it.each([
    [
      'a column without a header',
      (names: string[]) => names.map((n) => (n === 'W' ? '' : n)),
      /column 5 has values and no header/,
    ],
    ['a column twice', (names: string[]) => names.map((n) => (n === 'Ht' ? 'd' : n)), /column 8, "d".*occurs twice/],
    [
      'a column of somebody else',
      (names: string[]) => names.map((n) => (n === 'Ht' ? 'color' : n)),
      /"color", is none/,
    ],
    ['no column of a basic property', (names: string[]) => names.map((n) => (n === 'Ix' ? 'Iz' : n)), /no column Ix/],
  ])('refuses %s', (_, header, message) => {
    expect(() => read(aiscFile({ halves: 1, header }))).toThrow(message);
  });

  it('never guesses the edition or the unit system of a part', () => {
    const of = (text: string, declared: Declared = {}) => {
      const { content } = read(text, declared);
      return content.kind === 'materials' ? content.undecided?.message : undefined;
    };
    expect(of(aiscFile())).toContain('its edition is not certain');
    expect(of(aiscFile({ halves: 1 }))).toContain('its edition and unit system are not certain');
    expect(of(aiscFile({ halves: 1 }), { edition: 'v15.0' })).toContain('its unit system is not certain');
    expect(of(aiscFile({ halves: 1 }), { edition: 'v15.0', unitSystem: 'SI' })).toBeUndefined();
  });

  it('names line, column, value and reason of what is wrong', () => {
    const shapes: Record<string, string>[] = [
      {},
      { EDI_Std_Nomenclature: 'W14X99', 'EDI_Std_Nomenclature (metric)': 'W360X147', Ix: '1,110'.replace(',', ';') },
      { EDI_Std_Nomenclature: 'W14X82', 'EDI_Std_Nomenclature (metric)': 'W360X122', Zx: '-139' },
      { EDI_Std_Nomenclature: 'W14X74', 'EDI_Std_Nomenclature (metric)': 'W360X110', tf: '0.4', tw: '0.8' },
      { EDI_Std_Nomenclature: 'W14X68', 'EDI_Std_Nomenclature (metric)': 'W360X101', 'W (metric)': '90' },
      { Type: 'Q' },
      {},
    ];
    const { rows, problems } = read(aiscFile({ shapes }), { edition: 'v16.0' });
    expect(rows).toHaveLength(2);
    expect(problems.map(({ line, column, value, reason }) => `${line} ${column} ${value}: ${reason}`)).toEqual([
      '3 Ix (US) 1;110: not a number',
      '4 Zx (US) -139: negative; no value of the table is',
      '5 tf (US) 0.4: 0.5 times tw, which is 0.8 in; W shapes have 1.05 to 2; are tf and tw swapped?',
      '5 tw (metric) 11.2: the US row of the shape says 20.32 mm, this is 45 % less',
      '5 tf (metric) 17.5: the US row of the shape says 10.16 mm, this is 72 % more',
      '6 W (metric) 90: the US row of the shape says 133.9 kg/m, this is 33 % less',
      '6 W (metric) 90: A × the density of steel gives 134.2 kg/m, this is 33 % less',
      '7 Type Q: not a shape type of AISC',
      '8 EDI_Std_Nomenclature (US) W14X90: the same row stands on line 2, with the same values',
      '8 EDI_Std_Nomenclature (metric) W360X134: the same row stands on line 2, with the same values',
    ]);
  });

  it('names a row that ends early', () => {
    const text = aiscFile({ shapes: [{}, {}] });
    const { problems } = read(text.slice(0, -40), { edition: 'v16.0' });
    expect(problems).toMatchObject([
      { line: 3, reason: expect.stringMatching(/ends after \d+ of 40 cells; .*truncated/) },
    ]);
  });
});

describe('EDI names', () => {
  it.each([
    ['HSS34X10X7/8', 'HSS34X10X.875'],
    ['HSS5-1/2X5-1/2X5/16', 'HSS5-1/2X5-1/2X.313'],
    ['HSS1.900X0.145', 'HSS1.9X.145'],
    ['HSS28.000X1.000', 'HSS28X1.000'],
    ['W14X90', 'W14X90'],
    ['Pipe3STD', 'PIPE3SCH40'],
  ])('%s is %s', (label, name) => {
    expect(ediNameOfLabel(label)).toBe(name);
  });
});

describe("structdb's own layout", () => {
  const header = ['standard', 'edition', 'unit_system', 'designation', 'kind', 'weight', 'my_note', 'z_b'];

  it('takes further columns as properties: numbers where they are some, else words', () => {
    const { rows } = read(
      csv([
        header,
        ['Own', '1', 'US', 'w1', 'shape', '90.0', 'painted', '0'],
        ['Own', '1', 'US', 'w2', 'shape', '1e2', '4.50', ''],
      ]),
    );
    expect(rows.map((row) => [row.designation, row.numbers.weight, row.properties.get('my_note')])).toEqual([
      ['W1', '90', { text: 'painted' }],
      ['W2', '100', '4.5'],
    ]);
    // In the order in which jsonb keeps them, so that the server has nothing to sort.
    expect(rows[0]!.properties.toJson()).toBe('{"z_b":0,"my_note":"painted"}');
  });

  it.each([
    ['unit_system', ['Own', '1', 'metric', 'W1', 'shape', '', '', '']],
    ['kind', ['Own', '1', 'US', 'W1', 'beam', '', '', '']],
    ['designation', ['Own', '1', 'US', '', 'shape', '', '', '']],
    ['weight', ['Own', '1', 'US', 'W1', 'shape', '–', '', '']],
    ['weight', ['Own', '1', 'US', 'W1', 'shape', '0', '', '']],
    ['z_b', ['Own', '1', 'US', 'W1', 'shape', '1', '', 'x']],
    ['designation', ['Own', '1', 'US', 'Wµ', 'shape', '1', '', '']],
  ])('names a bad %s', (column, row) => {
    expect(read(csv([header, row])).problems).toMatchObject([{ line: 2, column }]);
  });

  it('refuses --edition, which the file says itself', () => {
    expect(() => read(csv([header, header]), { edition: 'v16.0' })).toThrow(/says edition and units itself/);
  });
});

describe('ASTM grades', () => {
  it('have product form, thickness and edition in their key', () => {
    const { rows } = read(
      csv([
        ['designation', 'grade', 'product_form', 'fy_ksi', 'fu_ksi', 'source'],
        ['ASTM A500', 'C', 'HSS round (A500-21)', '50', '62', 'a'],
        ['ASTM A500', 'C', 'HSS round (A500 before 2021)', '46', '62', 'a'],
        ['ASTM A709', 'HPS 100W', 'plates (over 2-1/2 to 4 in.)', '90', '100', 'b [Fu max 130]'],
        ['ASTM A307', 'A', 'bolt', '', '60', 'c'],
      ]),
    );
    expect(rows.map((row) => [row.edition, row.variant, row.texts.kind, row.numbers.fy])).toEqual([
      ['21', 'hss-round', 'material', '50'],
      ['before 21', 'hss-round', 'material', '46'],
      ['undated', 'plates-over-2.5-to-4-in', 'material', '90'],
      ['undated', 'bolt', 'bolt', null],
    ]);
    expect(rows[2]!.properties.toJson()).toBe(
      '{"thickness_over":2.5,"thickness_to":4,"fu_max":130,"source":"b [Fu max 130]"}',
    );
  });

  it('with more yield than tensile strength are named', () => {
    const header = ['designation', 'grade', 'product_form', 'fy_ksi', 'fu_ksi', 'source'];
    expect(read(csv([header, ['ASTM A36', '36', 'bars', '58', '36', 'a']])).problems).toMatchObject([
      { line: 2, column: 'fy_ksi', value: '58', reason: 'more than the tensile strength of 36' },
    ]);
  });
});

describe('code references', () => {
  it('keep sections as text and find the topic by standard and chapter', () => {
    const text = csv([
      ['standard', 'edition', 'section', 'title'],
      ['ASCE/SEI 7', '22', '26.10', '"Velocity, Pressure"'],
      ['AISC 360', '22', 'F2', 'x'],
      ['AISC 360', '22', 'Appendix 1', 'x'],
      ['ASCE/SEI 7', '16', 'Table 1.5-1', 'x'],
    ]);
    const rows = read(text).rows as unknown as ReferenceRow[];
    expect(rows.map(({ section, topic }) => [section, topic])).toEqual([
      ['26.10', 'wind'],
      ['F2', 'flexure'],
      ['Appendix 1', null],
      ['Table 1.5-1', 'general'],
    ]);
    expect(rows[0]!.title).toBe('Velocity, Pressure');
  });
});

describe('a file that is no catalog', () => {
  it.each([
    ['is empty', '', /file\.csv is empty/],
    ['has only a header', 'standard,edition,section,title\n', /a header and no rows/],
    ['fits no format', 'name,price\nbeam,1\n', /fits no catalog format; its first line begins "name, price"/],
  ])('%s: one clear line', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
