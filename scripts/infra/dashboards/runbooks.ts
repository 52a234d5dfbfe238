import {
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as TextBuilder, TextMode } from '@grafana/grafana-foundation-sdk/text';
import { ALERT_GROUPS } from '../alerts/index.ts';
import { sectionOf } from '../rules.ts';
import { asProvisioned } from './dashboard.ts';
import { RUNBOOKS_UID, runbookPanelId } from './runbook-ids.ts';

/** What docs/alerts.md says, where Grafana can link to it. */
export function runbooks(): unknown {
  const builder = new DashboardBuilder('structdb: runbooks')
    .uid(RUNBOOKS_UID)
    .description('What each alert means and what mends it: docs/alerts.md.')
    .tags(['structdb', 'postgresql'])
    .readonly()
    .link(new DashboardLinkBuilder('structdb').type(DashboardLinkType.Dashboards).tags(['structdb']).asDropdown(true));
  for (const { title, alerts } of ALERT_GROUPS) {
    builder.withRow(new RowBuilder(title));
    for (const alert of alerts) {
      builder.withPanel(
        new TextBuilder()
          .id(runbookPanelId(alert.name))
          .title(`${alert.name} (${alert.severity})`)
          .mode(TextMode.Markdown)
          .content(withoutLinks(sectionOf(alert)))
          .span(12)
          .height(6),
      );
    }
  }
  return asProvisioned(builder);
}

/** Pages of docs/ cannot be reached from Grafana: they are named. */
function withoutLinks(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 (`docs/$2`)');
}
