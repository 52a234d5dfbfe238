import { stringify } from 'yaml';
import type { Alert, AlertGroup, Proof } from './alerts/alert.ts';
import { ALERT_GROUPS } from './alerts/index.ts';

const BANNER = '# Written by scripts/write-infra.ts: change the definitions in scripts/infra, not this file.\n';

/** Below docs/, with the heading's anchor. */
export function runbookOf({ name }: Alert): string {
  return `docs/alerts.md#${name.toLowerCase()}`;
}

/** The name by which a group's files are called. */
export function fileName({ name }: AlertGroup): string {
  return `${name.replace(/^structdb-/, '')}.yml`;
}

export function rulesFile(group: AlertGroup): string {
  const rules = group.alerts.map((alert) => ({
    alert: alert.name,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: { ...alert.says, runbook_url: runbookOf(alert) },
  }));
  return BANNER + yaml({ groups: [{ name: group.name, rules }] });
}

/** For `promtool test rules`, by file: each alert is quiet, fires with its texts, and clears. What takes days has a file of its own. */
export function testsFiles(group: AlertGroup): Map<string, string> {
  const files = new Map<string, string>();
  const proofs = group.alerts.flatMap((alert) =>
    [alert.proof, ...(alert.also ?? [])].map((proof) => ({ alert, proof })),
  );
  const byPace = Map.groupBy(proofs, ({ proof }) => proof.everyMinutes ?? 1);
  for (const [minutes, those] of byPace) {
    const pace = `${minutes}m`;
    const content = {
      rule_files: [`../rules/${fileName(group)}`],
      evaluation_interval: pace,
      tests: those.map(({ alert, proof }) => testOf(alert, proof, pace)),
    };
    files.set(minutes === 1 ? fileName(group) : fileName(group).replace('.yml', '-days.yml'), BANNER + yaml(content));
  }
  return files;
}

function testOf(alert: Alert, { series, quiet, fires, clears }: Proof, interval: string) {
  const silent = (at: string) => ({ eval_time: at, alertname: alert.name, exp_alerts: [] });
  const { at, labels, ...texts } = fires;
  return {
    name: alert.name,
    interval,
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      ...quiet.map(silent),
      {
        eval_time: at,
        alertname: alert.name,
        exp_alerts: [
          {
            exp_labels: { ...labels, severity: alert.severity },
            exp_annotations: { ...texts, runbook_url: runbookOf(alert) },
          },
        ],
      },
      silent(clears),
    ],
  };
}

/** docs/alerts.md: what each alert means and what mends it. */
export function alertsPage(): string {
  const list = ALERT_GROUPS.map(({ title, alerts }) => {
    const rows = alerts.map(
      (alert) =>
        `| [${alert.name}](#${alert.name.toLowerCase()}) | ${alert.severity} | ${alert.for === '0m' ? 'at once' : alert.for} |`,
    );
    return `### ${title}\n| alert | severity | after |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  const sections = ALERT_GROUPS.flatMap(({ alerts }) => alerts.map((alert) => `## ${alert.name}\n${sectionOf(alert)}`));
  return `# Alerts

The rules in [infra/prometheus/rules](../infra/prometheus/rules) call somebody when a promise is broken or about to be
([how to use them](infra.md)). \`structdb monitor check\` tells the same without Prometheus. Severities: *critical* is for now, by night
too; *warning* for today; *info* for some time. This page is written from the same definitions as the rules
(\`node scripts/write-infra.ts\`), and each rule's \`runbook_url\` leads to its section.

${list.join('\n')}
${sections.join('\n')}`;
}

/** What a section says, in Markdown. */
export function sectionOf(alert: Alert): string {
  return `${alert.means}

- **Look at** ${alert.look}.
- **Mend it:** ${alert.fix}.
`;
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
