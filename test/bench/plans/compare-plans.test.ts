import { describe, expect, it } from '@jest/globals';
import { comparePlans } from '../../../src/bench/plans/compare-plans.ts';
import { rawNode, recordOf, variantOf } from './plan-nodes.ts';

const byIndex = (more = {}) =>
  rawNode(
    'Limit',
    {},
    rawNode('Index Scan', {
      'Relation Name': 'projects',
      Alias: 'p',
      'Index Name': 'projects_created_by_idx',
      'Index Cond': "(p.created_by = 'ada'::text)",
      ...more,
    }),
  );
const whole = () =>
  rawNode(
    'Limit',
    {},
    rawNode('Seq Scan', { 'Relation Name': 'projects', Alias: 'p', Filter: "(p.created_by = 'ada'::text)" }),
  );

describe('comparing the plans of two runs', () => {
  it('finds no change where only costs and values differ', () => {
    const after = variantOf(byIndex({ 'Actual Total Time': 99, 'Index Cond': "(p.created_by = 'bob'::text)" }));
    expect(comparePlans([recordOf('created-by', [variantOf(byIndex())])], [recordOf('created-by', [after])])).toEqual(
      [],
    );
  });

  it('shows both plans in one tree, what they share unmarked', () => {
    const [change, ...others] = comparePlans(
      [recordOf('created-by', [variantOf(byIndex())])],
      [recordOf('created-by', [variantOf(whole())], { settings: { enable_indexscan: 'off' } })],
    );
    expect(others).toEqual([]);
    expect(change).toMatchObject({ query: 'created-by', turns: [0] });
    expect(change!.settings).toEqual([{ name: 'enable_indexscan', before: null, after: 'off' }]);
    expect(change!.lines.map(({ mark, text }) => `${mark} ${text}`)).toEqual([
      '  Limit  (10 rows, 0.25 ms, 4 blocks)',
      '-   └ Index Scan on projects p using projects_created_by_idx  (10 rows, 0.25 ms, 4 blocks)',
      "-        Index Cond: (p.created_by = 'ada'::text)",
      '+   └ Seq Scan on projects p  (10 rows, 0.25 ms, 4 blocks)',
      "+        Filter: (p.created_by = 'ada'::text)",
    ]);
  });

  it('compares turn by turn: other values may rightly have another plan', () => {
    const mixed = [variantOf(byIndex(), [0, 2]), variantOf(whole(), [1])];
    const same = comparePlans([recordOf('q', mixed)], [recordOf('q', mixed.toReversed())]);
    expect(same).toEqual([]);
    const [change] = comparePlans([recordOf('q', mixed)], [recordOf('q', [variantOf(whole(), [0, 1, 2])])]);
    expect(change!.turns).toEqual([0, 2]);
    expect(change!.before.hash).toBe(mixed[0]!.hash);
  });

  it('says nothing of queries that one run alone has, nor of turns', () => {
    expect(comparePlans([recordOf('a', [variantOf(whole())])], [recordOf('b', [variantOf(byIndex())])])).toEqual([]);
    expect(
      comparePlans([recordOf('a', [variantOf(whole(), [0])])], [recordOf('a', [variantOf(byIndex(), [1])])]),
    ).toEqual([]);
  });
});
