import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fixSteps } from '../../src/monitor/page/fix.ts';
import { headlineOf } from '../../src/monitor/page/headline.ts';
import { PAGE_CSP, renderFragment, renderPage } from '../../src/monitor/page/index.ts';
import { percent } from '../../src/monitor/page/words.ts';
import { attribute, elementsOf } from '../support/markup.ts';
import { AT, database, KEPT, promise, QUERIES, samples, viewOf } from './views.ts';

/** What a reader sees, without the elements around it. */
const textOf = (html: string) => html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
const idsOf = (html: string) => [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);

/** The points of a path of steps, run by run. */
const runsOf = (path: string) =>
  [...path.matchAll(/M(\d+) (\d+)(?:l([\d -]*))?/g)].map(([, x, y, steps = '']) => {
    const points = [[Number(x), Number(y)] as const];
    for (const [, dx, dy] of steps.matchAll(/(-?\d+) (-?\d+)/g)) {
      const [lastX, lastY] = points.at(-1)!;
      points.push([lastX + Number(dx), lastY + Number(dy)]);
    }
    return points;
  });

describe('the headline', () => {
  it('tells how far back one can go and what the last drill showed', () => {
    expect(headlineOf(viewOf())).toEqual({
      state: 'kept',
      title: 'All 6 promises hold',
      sentence: 'Recoverable from 2026-11-22 02:00:04 UTC to 12 s ago; last drill 3 days ago, RTO 41 s of 15 min',
      short: '✓ 6 kept',
    });
  });

  it.each([
    [[promise('a', 'broken'), promise('b', 'kept')], true, 'broken', '1 of 2 promises is broken'],
    [[promise('a', 'broken'), promise('b', 'broken')], true, 'broken', '2 of 2 promises are broken'],
    [[promise('a', 'unknown'), promise('b', 'kept')], true, 'unknown', '1 of 2 promises could not be looked at'],
    [[promise('a', 'kept'), promise('b', 'none')], true, 'kept', 'The only promise holds'],
    [[promise('b', 'none')], true, 'none', 'Nothing is promised yet'],
    [[promise('a', 'kept')], false, 'broken', 'structdb on localhost:5432 does not answer'],
  ] as const)('is the worst that is known', (promises, up, state, title) => {
    expect(headlineOf({ promises, databases: [database({ up })] })).toMatchObject({ state, title });
  });

  it('tells a server that refuses the monitor from one that is silent', () => {
    const databases = [database({ up: false, refuses: true })];
    const title = 'structdb on localhost:5432 refuses the monitor';
    expect(headlineOf({ promises: [], databases })).toMatchObject({ state: 'broken', title });
    expect(textOf(renderFragment(viewOf({ databases })))).toContain('✗ refuses the monitor');
  });
});

describe('the promises', () => {
  const view = viewOf({
    promises: [
      promise('backup.daily', 'broken', {
        message: 'The daily backup is too old',
        details: ['The newest is of 2026-11-29 02:00:00 UTC.', 'Before: 28 Nov 02:00 UTC, 28 Nov 2025 02:00 UTC.'],
        fix: 'structdb backup   and see: structdb backup list',
        runbook: 'runbooks/backup-corrupt.md',
      }),
      promise('disk', 'unknown', { fix: 'Mount it.' }),
      ...KEPT,
      promise('standby', 'none'),
    ],
  });
  const html = renderFragment(view);

  it('opens what is broken, with the commands that mend it', () => {
    const elements = elementsOf(html);
    expect(
      elements.find(({ attributes }) => attribute(attributes, 'id') === 'details-backup.daily')?.attributes,
    ).toMatch(/ open=""/);
    expect(html).toContain('<code>structdb backup</code>');
    expect(html).toContain('<code>structdb backup list</code>');
    expect(html).toContain('docs/runbooks/backup-corrupt.md');
    expect(html).toContain('<time datetime="2026-11-28T02:00:00.000Z" data-form="day">28 Nov 02:00 UTC</time>');
    expect(html).toContain('<time datetime="2025-11-28T02:00:00.000Z" data-form="day">28 Nov 2025 02:00 UTC</time>');
    expect(html).toMatch(/<time datetime="2026-11-29T02:00:00.000Z">2026-11-29 02:00:00 UTC<\/time>/);
  });

  it('says each state in a word', () => {
    expect(textOf(html)).toMatch(/Broken 1 ✗ Broken The daily backup .* Unknown 1 \? Unknown .* Kept 6 ✓ Recoverable/);
    expect(textOf(html)).toContain('Not promised or not set up: 1');
  });

  it('shows the first of very many kept ones, and folds the rest', () => {
    const promises = Array.from({ length: 30 }, (_, place) => promise(`p${place}`, 'kept'));
    expect(textOf(renderFragment(viewOf({ promises })))).toMatch(/p23 is kept 6 more that are kept ✓ p24 is kept/);
  });

  it('keeps many unknown ones shut: they have one reason', () => {
    const many = renderFragment(viewOf({ promises: [1, 2, 3].map((id) => promise(`${id}`, 'unknown', { fix: 'x' })) }));
    expect(many).not.toMatch(/<details[^>]* open=/);
  });
});

describe('what mends a promise', () => {
  it.each([
    ['structdb backup', [['', 'structdb backup']]],
    [
      'structdb a\nstructdb b',
      [
        ['', 'structdb a'],
        ['', 'structdb b'],
      ],
    ],
    [
      'structdb bench   shows missed indexes',
      [
        ['', 'structdb bench'],
        ['shows missed indexes', null],
      ],
    ],
    [
      'Start it (structdb dev start), and see: structdb doctor',
      [['Start it (structdb dev start), and see:', 'structdb doctor']],
    ],
    ['Who it is: select a::text from b', [['Who it is:', 'select a::text from b']]],
    ['Raise shared_buffers', [['Raise shared_buffers', null]]],
  ])('%s', (fix, steps) => {
    expect(fixSteps(fix).map(({ lead, command }) => [lead, command])).toEqual(steps);
  });
});

describe('the panels', () => {
  it('tell the last value, the objective and the range', () => {
    const text = textOf(renderFragment(viewOf()));
    expect(text).toMatch(/Index hit rate 99\.9 % ✓ at least 95 %/);
    expect(text).toMatch(/Connections 21 of 97 ✓ 21\.6 %, at most 50 %/);
    expect(text).toMatch(/active 8 idle in transaction 0 idle 13/);
    expect(text).toMatch(/committed 227\/s rolled back 4\.9\/s/);
  });

  it('say what is beyond its objective', () => {
    const history = samples(20, (sample) => ({
      ...sample,
      cacheHitRatio: 0.9899999,
      connections: { used: 60, max: 97, byState: { active: 60 } },
    }));
    const text = textOf(renderFragment(viewOf({ databases: [database({ history })] })));
    expect(text).toMatch(/Cache hit rate 98\.9 % ! below 99 %/);
    expect(text).toMatch(/! 61\.8 %, above 50 %/);
  });

  it('have a gap where nothing was read, and where nobody looked', () => {
    const line = (history: ReturnType<typeof samples>) =>
      /<path class="line first"[^>]* d="([^"]*)"/.exec(
        renderFragment(viewOf({ databases: [database({ history })] })),
      )![1]!;
    const parts = (path: string) => path.split('M').length - 1;
    expect(parts(line(samples(100)))).toBe(1);
    const unread = samples(100, (sample, place) => (place === 50 ? { ...sample, indexHitRatio: null } : sample));
    expect(parts(line(unread))).toBe(2);
    expect(parts(line(samples(100).filter((_, place) => place < 40 || place > 60)))).toBe(2);
    // A lone sample is a dot.
    expect(line(samples(1))).toMatch(/^M\d+ \d+h0$/);
  });

  it('draw each state of the connections on those below it, down to the ground', () => {
    const history = samples(3, (sample) => ({
      ...sample,
      connections: { used: 40, max: 40, byState: { idle: 20, active: 10, disabled: 10, 'idle in transaction': 0 } },
    }));
    const html = renderFragment(viewOf({ databases: [database({ history })] }));
    const bands = [...html.matchAll(/class="band ([\w-]+)"[^>]* d="([^"]*)"/g)].map(([, kind, path]) => {
      expect(path).toMatch(/V1000H0Z$/);
      return [kind, new Set(runsOf(path!)[0]!.map(([, y]) => y))];
    });
    expect(bands).toEqual([
      ['other', new Set([0])],
      ['idle', new Set([250])],
      ['active', new Set([750])],
    ]);
  });

  it('keep each peak and each gap of a long history, in as many points as can be seen', () => {
    const history = samples(5000, (sample, place) => ({
      ...sample,
      indexHitRatio: place === 1234 ? 0.2 : place === 3000 ? null : 1,
    }));
    const html = renderFragment(viewOf({ databases: [database({ history })] }));
    const runs = runsOf(/<path class="line first"[^>]* d="([^"]*)"/.exec(html)![1]!);
    expect(runs).toHaveLength(2);
    expect(runs[0]!.filter(([, y]) => y !== 0)).toEqual([[expect.any(Number), 800]]);
    expect(runs.flat().length).toBeLessThan(310);
    expect(html.length).toBeLessThan(60_000);
  });

  it('say when the last value was read of a server that went away', () => {
    const history = samples(240).slice(0, 200);
    const html = renderFragment(viewOf({ databases: [database({ up: false, problems: ['refused'], history })] }));
    expect(html).not.toContain('at least 95 %</span>');
    expect(textOf(html)).toMatch(/✗ does not answer .* refused Index hit rate 99\.\d % at 2026-11-30 02:05:30 UTC/);
  });

  it('say that there is nothing yet', () => {
    const of = (up: boolean) =>
      textOf(renderFragment(viewOf({ databases: [database({ up, history: [], slowQueries: [] })] })));
    expect(of(true)).toContain('No sample yet');
    expect(of(false)).toContain('Nothing was read from it so far.');
    const without = database({ slowQueries: [], problems: ['pg_stat_statements is missing'] });
    expect(textOf(renderFragment(viewOf({ databases: [without] })))).toContain('No query is told of: see above.');
  });

  it('are told as numbers too', () => {
    const rows = elementsOf(renderFragment(viewOf())).filter(
      ({ name, inside }) => name === 'tr' && inside.endsWith('table tbody'),
    );
    expect(rows.length).toBe(QUERIES.length + 10);
  });

  it.each([
    [1, '100 %'],
    [0.99996, '99.9 %'],
    [0.99, '99 %'],
    [0.57, '57 %'],
    [0, '0 %'],
  ])('%d is %s', (ratio, text) => expect(percent(ratio)).toBe(text));
});

describe('the page', () => {
  it('may do what it does and nothing else', () => {
    const html = renderPage(viewOf());
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)!;
    expect(PAGE_CSP).toBe(`${policy}; frame-ancestors 'none'`);
    expect(PAGE_CSP).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; img-src data:; script-src 'sha256-[^']+'; connect-src 'self';/,
    );
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toMatch(/\b(style|on\w+)="/);
    expect(html).not.toMatch(/(src|href|action)="(?!data:image\/svg|#|api\/state"|metrics")/);
  });

  it('has a section and a link for each of several databases', () => {
    const html = renderFragment(viewOf({ databases: [database(), database({ name: 'b on db2:5432', up: false })] }));
    expect(html).toMatch(/href="#database-2"><span[^>]*>✗<\/span> b on db2:5432 <span class="bad">does not answer</);
    expect(new Set(idsOf(html)).size).toBe(idsOf(html).length);
  });

  it('is whole whatever the texts are', () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "'; drop table a; --",
        '&amp;',
        '\u0000',
      ),
      fc.date().map((date) => `at ${date.toJSON()}`),
    );
    const whole = (text: string) => {
      const databases = [
        database({
          name: text,
          problems: [text],
          serverVersion: text,
          history: samples(2, (sample) => ({ ...sample, connections: { used: 3, max: 9, byState: { [text]: 2 } } })),
          slowQueries: [{ queryId: text, text, calls: 1, meanMs: 1, totalMs: 1, rows: 1 }],
        }),
      ];
      const told = { message: text, details: [text], fix: text, runbook: text };
      const promises = (['broken', 'unknown', 'kept', 'none'] as const).map((state) =>
        promise(`${state} ${text}`, state, told),
      );
      return elementsOf(renderFragment({ ...viewOf({ promises, databases }), toolVersion: text, at: AT }));
    };
    const usual = whole('text').length;
    fc.assert(
      fc.property(odd, (text) => {
        const elements = whole(text);
        const names = new Set(elements.map(({ name }) => name));
        expect(names.has('script') || names.has('img')).toBe(false);
        // Instants become elements of their own, and a text may be several steps or none.
        if (/^[\w ]+$/.test(text) && text.trim() !== '') expect(elements.length).toBe(usual);
      }),
      { numRuns: 100 },
    );
  });
});
