import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type RawNode, reducePlan } from '../../../src/bench/plans/explain.ts';
import { hashPlan, stripValues } from '../../../src/bench/plans/shape.ts';
import { rawNode } from './plan-nodes.ts';

interface Choices {
  readonly alias: string;
  readonly account: string;
  readonly since: number;
  readonly costs: readonly [number, number, number, number, number];
  readonly workers: number;
}

/** The newest projects of an account, each with its designs. */
function plan({ alias, account, since, costs, workers }: Choices): RawNode {
  const [planned, rows, loops, ms, hits] = costs;
  const cost = {
    'Plan Rows': planned,
    'Actual Rows': rows,
    'Actual Loops': loops,
    'Actual Total Time': ms,
    'Shared Hit Blocks': hits,
    'Total Cost': ms,
    'Rows Removed by Filter': rows,
  };
  const text = `'${account.replaceAll("'", "''")}'::text`;
  const number = since < 0 ? `'${since}'::integer` : String(since);
  return rawNode(
    'Gather',
    { ...cost, 'Workers Planned': workers, 'Workers Launched': workers },
    rawNode(
      'Sort',
      { ...cost, 'Sort Key': [`${alias}.updated_at DESC`], 'Sort Space Used': hits },
      rawNode(
        'Nested Loop',
        { ...cost, 'Join Type': 'Inner' },
        rawNode('Index Scan', {
          ...cost,
          'Relation Name': 'projects',
          Alias: alias,
          'Index Name': 'projects_account_id_idx',
          'Index Cond': `((${alias}.account_id = ${text}) AND (${alias}.version > ${number}))`,
        }),
        rawNode('Index Only Scan', {
          ...cost,
          'Relation Name': 'project_payloads',
          Alias: 'd',
          'Index Name': 'project_payloads_key',
          'Index Cond': `(d.project_id = ${alias}.project_id)`,
        }),
      ),
    ),
  );
}

const costs = fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.nat());
const choices: fc.Arbitrary<Choices> = fc.record({
  alias: fc.constantFrom('p', 'projects', 'p_1', 'latest'),
  account: fc.string(),
  since: fc.integer(),
  costs,
  workers: fc.nat(8),
});
const hashOf = (raw: RawNode) => hashPlan(reducePlan(raw));

/** Replaces a property of the first node that has it. */
function change(node: RawNode, key: string, value: unknown): RawNode {
  let done = false;
  const walk = (each: RawNode): RawNode => {
    if (!done && key in each) {
      done = true;
      return { ...each, [key]: value };
    }
    return each.Plans ? { ...each, Plans: each.Plans.map(walk) } : each;
  };
  return walk(node);
}

describe('the hash of a plan', () => {
  it('does not change with costs, rows, values, aliases or workers', () => {
    fc.assert(
      fc.property(choices, choices, (a, b) => {
        expect(hashOf(plan(a))).toBe(hashOf(plan(b)));
      }),
    );
  });

  it.each([
    ['Index Name', 'projects_created_by_idx'],
    ['Join Type', 'Left'],
    ['Sort Key', ['p.created_at']],
    ['Relation Name', 'project_events'],
    ['Index Cond', "(p.status = 'active'::project_status)"],
    ['Node Type', 'Gather Merge'],
    ['Scan Direction', 'Backward'],
    ['Filter', '(p.confidence > 1)'],
  ])('changes with %s', (key, value) => {
    fc.assert(
      fc.property(choices, (chosen) => {
        const raw = plan({ ...chosen, alias: 'p' });
        const changed =
          key in raw || JSON.stringify(raw).includes(`"${key}"`) ? change(raw, key, value) : { ...raw, [key]: value };
        expect(hashOf(changed)).not.toBe(hashOf(raw));
      }),
      { numRuns: 10 },
    );
  });

  it('changes when the inputs of a join change places', () => {
    const [a, b] = [rawNode('Seq Scan', { 'Relation Name': 'a' }), rawNode('Seq Scan', { 'Relation Name': 'b' })];
    expect(hashOf(rawNode('Hash Join', {}, a, b))).not.toBe(hashOf(rawNode('Hash Join', {}, b, a)));
  });
});

describe('a condition without its values', () => {
  const aliases = new Map([['p', 'projects']]);
  it.each([
    ["(p.name = 'O''Brien'::text)", '(projects.name = ?)'],
    ["((p.path = 'C:\\'::text) AND (p.bits = B'10'::bit(2)))", '((projects.path = ?) AND (projects.bits = ?))'],
    ['(p.version > 1.5e3)', '(projects.version > ?)'],
    ["(p.version > '-3'::integer)", '(projects.version > ?)'],
    ["(p.zx >= '30'::numeric)", '(projects.zx >= ?)'],
    ["(p.id = ANY ('{1,2,3}'::integer[]))", '(projects.id = ANY (?))'],
    ['(p.account_id = $1)', '(projects.account_id = ?)'],
    ['(q2.col3 = "p"."2nd name")', '(q2.col3 = projects."2nd name")'],
    ['(p.retired_at IS NULL)', '(projects.retired_at IS NULL)'],
    // As in a plan for these values, and in one for all.
    [`(p.at < '2026-01-01 00:00:00+00'::timestamp with time zone)`, '(projects.at < ?)'],
    ['(p.at < $1)', '(projects.at < ?)'],
    [`(p.code = 'a'::character varying(3))`, '(projects.code = ?)'],
    [`(p.kind = ANY ('{a,b}'::"odd ""schema".kind[]))`, '(projects.kind = ANY (?))'],
    ['(p.kind = ANY ($2))', '(projects.kind = ANY (?))'],
    [`((p.name)::text = 'x'::text)`, '((projects.name)::text = ?)'],
  ])('%s', (text, stripped) => {
    expect(stripValues(text, aliases)).toBe(stripped);
  });
});
