import { ALERT_GROUPS } from './alerts/index.ts';
import { DASHBOARDS } from './dashboards/index.ts';
import { alertsPage, fileName, rulesFile, testsFiles } from './rules.ts';
import { serverConf } from './server.ts';

/** Every file that is written from definitions, by its path below the project's root. */
export function infraFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const group of ALERT_GROUPS) {
    files.set(`infra/prometheus/rules/${fileName(group)}`, rulesFile(group));
    for (const [name, text] of testsFiles(group)) files.set(`infra/prometheus/tests/${name}`, text);
  }
  for (const [name, write] of Object.entries(DASHBOARDS)) {
    files.set(`infra/grafana/dashboards/${name}.json`, `${JSON.stringify(write(), null, 2)}\n`);
  }
  files.set('infra/postgres/structdb.conf', serverConf());
  files.set('docs/alerts.md', alertsPage());
  return files;
}
