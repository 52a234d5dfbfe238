import type { AlertGroup } from './alert.ts';
import { exporterAlerts } from './exporter.ts';
import { recoveryAlerts } from './recovery.ts';
import { schemaAlerts } from './schema.ts';
import { serverAlerts } from './server.ts';
import { speedAlerts } from './speed.ts';

export const ALERT_GROUPS: readonly AlertGroup[] = [
  exporterAlerts,
  recoveryAlerts,
  serverAlerts,
  speedAlerts,
  schemaAlerts,
];
