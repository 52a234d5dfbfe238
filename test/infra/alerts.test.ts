import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { METRIC_NAMES } from '../../scripts/infra/metric-name.ts';
import { buildProgram } from '../../src/cli/main.ts';
import { projectRoot } from '../support/cli.ts';
import { describeWith } from '../support/programs.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

interface UnitTest {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}

const folder = path.join(projectRoot, 'infra/prometheus');
const read = <T>(kind: string): T[] =>
  readdirSync(path.join(folder, kind)).map((name) => parse(readFileSync(path.join(folder, kind, name), 'utf8')) as T);
const rules = read<{ groups: { rules: Rule[] }[] }>('rules').flatMap(({ groups }) =>
  groups.flatMap((group) => group.rules),
);
const tests = read<{ tests: UnitTest[] }>('tests').flatMap((file) => file.tests);

describe.each(rules.map((rule) => [rule.alert, rule] as const))('%s', (name, rule) => {
  it('asks only for metrics that the exporter tells', () => {
    const outsideOfQuotes = rule.expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
    const asked = [...outsideOfQuotes.matchAll(/\b(?:pg|structdb|process)_\w+/g)].map(([found]) => found);
    for (const metric of asked) expect(METRIC_NAMES).toContain(metric);
    if (!/\bup\b/.test(outsideOfQuotes)) expect(asked).not.toEqual([]);
  });

  it('has a unit test in which it is quiet, fires and clears', () => {
    const steps = tests.flatMap((test) => test.alert_rule_test).filter(({ alertname }) => alertname === name);
    const counts = steps.map(({ exp_alerts }) => exp_alerts.length);
    expect(counts.slice(0, 1)).toEqual([0]);
    expect(counts.slice(-2)).toEqual([1, 0]);
  });

  it('says what to do, and leads to a runbook that is there', () => {
    expect(['critical', 'warning', 'info']).toContain(rule.labels.severity);
    expect(rule.annotations.summary).toMatch(/\.$/);
    expect(linkProblem(projectRoot, rule.annotations.runbook_url)).toBeUndefined();
  });
});

it.each(['alerts.md', 'infra.md'])('every link of docs/%s leads somewhere', (page) => {
  const docs = path.join(projectRoot, 'docs');
  const links = [...readFileSync(path.join(docs, page), 'utf8').matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]!);
  expect(links.length).toBeGreaterThan(10);
  const problems = links.map((link) => linkProblem(docs, link.startsWith('#') ? page + link : link));
  expect(problems.filter(Boolean)).toEqual([]);
});

it('every command that is named is one, with its flags', () => {
  const program = buildProgram('0.0.0');
  const page = readFileSync(path.join(projectRoot, 'docs/alerts.md'), 'utf8');
  const inDocs = [...page.matchAll(/`(structdb [^`]+)`/g)].map((match) => match[1]!);
  const inRules = rules.flatMap(({ annotations }) =>
    [...annotations.description.matchAll(/(?:: |, |run )(structdb [^:;,.]+)/gi)].map((match) => match[1]!),
  );
  expect(inDocs.length).toBeGreaterThan(40);
  expect(inRules.length).toBeGreaterThan(20);
  for (const line of [...inDocs, ...inRules]) {
    const words = line.split(' ').slice(1);
    let command = program;
    while (command.commands.length > 0 && /^[a-z][a-z-]*$/.test(words[0] ?? '')) {
      const found = command.commands.find((each) => each.name() === words[0]);
      if (!found) break;
      command = found;
      words.shift();
    }
    expect({ line, found: command !== program }).toEqual({ line, found: true });
    // A group that runs by itself (backup) or not (migrate): what is left of its words is no verb.
    if (command.commands.length > 0)
      expect({ line, left: words.filter((word) => /^[a-z]/.test(word)) }).toEqual({ line, left: [] });
    const known = [command, ...command.commands].flatMap(({ options }) => options.map(({ long }) => long));
    for (const flag of words.filter((word) => word.startsWith('--'))) expect(known).toContain(flag);
  }
});

describeWith(['promtool'], 'promtool', () => {
  const promtool = (...args: string[]) => promisify(execFile)('promtool', args, { cwd: folder });
  const files = (kind: string) => readdirSync(path.join(folder, kind)).map((name) => `${kind}/${name}`);

  it('finds nothing wrong with the rules', async () => {
    const { stdout } = await promtool('check', 'rules', ...files('rules'));
    const found = [...stdout.matchAll(/(\d+) rules found/g)].reduce((sum, match) => sum + Number(match[1]), 0);
    expect(found).toBe(rules.length);
  });

  it.each(files('tests'))('sees every rule of %s fire and clear', async (file) => {
    const { stdout } = await promtool('test', 'rules', file);
    expect(stdout).toContain('SUCCESS');
  });
});

/** Why a link of a page leads nowhere; undefined where it is fine. */
function linkProblem(from: string, link: string): string | undefined {
  const [page, anchor] = link.split('#');
  const file = path.join(from, page!);
  if (!existsSync(file)) return `${link}: no such file`;
  if (anchor === undefined) return undefined;
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  return headings.includes(anchor) ? undefined : `${link}: no such heading`;
}
