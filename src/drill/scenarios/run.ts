import type { Objectives } from '../../config/schema.ts';
import { type RunContext, stopIfInterrupted } from '../../core/context.ts';
import { StructdbError } from '../../core/errors.ts';
import { asStep } from '../../core/progress.ts';
import { toolVersion } from '../../core/tool-version.ts';

import type { SearchPlaces } from '../../programs/find.ts';
import { withOwnDirectory } from '../../programs/own-directory.ts';
import { writeStoreEvidence } from '../../repository/evidence.ts';
import type { Store } from '../../storage/store.ts';
import type { Drill } from '../run.ts';
import type { ScenarioName, ScenarioResult, ScenariosResult } from '../scenario-result.ts';
import { removeAbandoned } from '../scratch.ts';
import { scenarios } from './all.ts';
import { compareWithAcknowledged } from './compare.ts';
import { judge, notPlayed, notRecovered } from './judge.ts';
import { NotHere, type Scenario, Stage } from './stage.ts';
import { makeTemplate, type Template, type TemplateOptions } from './template.ts';

export interface ScenarioOptions extends Pick<TemplateOptions, 'major' | 'openStore'> {
  readonly names: readonly ScenarioName[];
  readonly places: SearchPlaces;
  readonly objectives: Pick<Objectives, 'rto' | 'rpo'>;
  /** Where the evidence goes; the private clusters have stores of their own. */
  readonly store: Store;
}

/**
 * Breaks private clusters under write load, one after the other, and recovers each. A lost row, or a recovery that took
 * too long, is in `verdict`, with a complete result. Nothing outside scratch space is touched but the evidence.
 * @throws PROGRAM_MISSING, DISK_FULL, INTERRUPTED, …
 */
export async function runScenarios(options: ScenarioOptions, context: RunContext): Promise<Drill<ScenariosResult>> {
  const at = context.clock.now();
  const { results, server } = await withTemplate(options, context, async (template) => {
    const results: ScenarioResult[] = [];
    for (const scenario of scenarios.filter(({ name }) => options.names.includes(name))) {
      stopIfInterrupted(context);
      results.push(await playScenario(template, scenario, { objectives: options.objectives }, context));
    }
    return { results, server: template.cluster.site.programs.postgres.version };
  });
  const verdict = verdictOf(results);
  const record = {
    kind: 'scenarios' as const,
    structdb: toolVersion(),
    at: at.toISOString(),
    server,
    verdict: {
      ok: verdict === undefined,
      code: verdict?.code ?? null,
      message: verdict?.message ?? goodNews(results),
    },
    scenarios: results,
  };
  const evidence = await writeStoreEvidence(options.store, 'scenarios', at, record);
  return { result: { ...record, evidence }, verdict };
}

/** A template for the scenarios of a run; what killed runs left is removed first. */
export async function withTemplate<T>(
  options: Pick<ScenarioOptions, 'places' | 'major' | 'openStore'>,
  context: RunContext,
  work: (template: Template) => Promise<T>,
): Promise<T> {
  await removeAbandoned(context);
  return withOwnDirectory('drill', 0o711, async (directory) => {
    const { places, major, openStore } = options;
    const template = await makeTemplate({ places, major, openStore, directory }, context);
    try {
      return await work(template);
    } finally {
      await template.cluster.remove();
    }
  });
}

export interface PlayOptions {
  readonly objectives: Pick<Objectives, 'rto' | 'rpo'>;
  /** The negative control: without the protection the scenario must fail. For tests; nobody else wants it. */
  readonly unprotected?: boolean;
}

/** One scenario, from the load to the comparison. */
export async function playScenario(
  template: Template,
  scenario: Scenario,
  { objectives, unprotected = false }: PlayOptions,
  context: RunContext,
): Promise<ScenarioResult> {
  const name = `${scenario.name}${unprotected ? '-unprotected' : ''}`;
  // The steps of the restore inside are part of this one.
  const quiet = { ...context, report: () => {} };
  return asStep(
    context,
    `scenario.${scenario.name}`,
    `${scenario.name}: ${scenario.title}`,
    () =>
      Stage.set(template, name, quiet, async (stage) => {
        try {
          const recovered = await scenario.run(stage, { unprotected });
          const measuredMs = await stage.firstWrite(recovered.connection);
          const losses = await compareWithAcknowledged(
            recovered.connection,
            stage.writer,
            { endLsn: recovered.archivedEnd, rows: stage.securedRows },
            quiet,
          );
          return judge(scenario, stage, { recovered, losses, measuredMs, objectives });
        } catch (error) {
          if (error instanceof NotHere) return notPlayed(scenario, error, objectives);
          if (!(error instanceof StructdbError) || error.code === 'INTERRUPTED') throw error;
          return notRecovered(scenario, stage, error, objectives);
        }
      }),
    ({ ok, message }) => `${scenario.name}: ${ok ? message : `FAILED: ${message}`}`,
  );
}

function verdictOf(results: readonly ScenarioResult[]): StructdbError | undefined {
  const failed = results.filter(({ ok }) => !ok);
  if (failed.length === 0) return undefined;
  const [first] = failed;
  return new StructdbError(
    'SCENARIO_FAILED',
    `${failed.length} of ${results.length} ${results.length === 1 ? 'scenario' : 'scenarios'} failed: ${first!.name}: ${first!.message}.`,
    {
      details: failed.flatMap(({ name, deviations }) => deviations.map((deviation) => `${name}: ${deviation}`)),
      hint: 'See docs/dr-test.md, "Scenarios", for what each one protects.',
    },
  );
}

function goodNews(results: readonly ScenarioResult[]): string {
  const played = results.filter((result) => result.played);
  const left = results.length - played.length;
  return `${played.length} of ${played.length} recovered, with nothing lost that was promised${left > 0 ? `; ${left} not played` : ''}.`;
}
