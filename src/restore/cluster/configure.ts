import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { RunContext } from '../../core/context.ts';
import { codeOf } from '../../core/errors.ts';
import { formatLsn } from '../../core/lsn.ts';
import { renderSettings } from '../../postgres/settings.ts';
import { findPart, readPart } from '../../repository/parts.ts';
import { collect, writeOwn } from './fetch.ts';
import type { ClusterRestorePlan } from './plan.ts';
import { type RecoveryTarget, timeSetting } from './target.ts';

/** Where PostgreSQL looks for its configuration when nothing else is said. */
const CONFIG_FILES: Readonly<Record<string, string>> = {
  config_file: 'postgresql.conf',
  hba_file: 'pg_hba.conf',
  ident_file: 'pg_ident.conf',
};

const BEGIN = '# structdb restore: begin';
const END = '# structdb restore: end';

/** Every one of these must be empty but one, or PostgreSQL refuses to start. */
const TARGETS = [
  'recovery_target',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_xid',
];

/** Puts into the directory what recovery needs; returns the settings of its own section. */
export async function configureRecovery(
  plan: ClusterRestorePlan,
  restoreCommand: string,
  context: RunContext,
): Promise<Readonly<Record<string, string>>> {
  const { partialDirectory: directory, user } = plan;
  await bringConfigFiles(plan, context);
  await placeTablespaceMap(plan);
  const settings = recoverySettings(plan, restoreCommand);
  const auto = path.join(directory, 'postgresql.auto.conf');
  const before = withoutSection(await readOrEmpty(auto));
  await writeOwn(auto, `${before}${BEGIN}\n${renderSettings(settings)}${END}\n`, user);
  await rm(path.join(directory, 'standby.signal'), { force: true });
  await writeOwn(path.join(directory, 'recovery.signal'), '', user);
  return settings;
}

function recoverySettings(plan: ClusterRestorePlan, restoreCommand: string): Record<string, string> {
  const { target, reach, archiving, backup } = plan;
  const chosen = targetSettings(target);
  return {
    restore_command: restoreCommand,
    recovery_target_timeline: String(reach.timeline),
    recovery_target_action: 'promote',
    recovery_end_command: '',
    archive_cleanup_command: '',
    recovery_min_apply_delay: '0',
    // What the source was a standby of is not what this server waits for.
    primary_conninfo: '',
    primary_slot_name: '',
    ...(backup.manifest.server.major >= 17 ? { sync_replication_slots: 'off' } : {}),
    // The empty ones first: the one that is set must come behind them.
    ...Object.fromEntries(TARGETS.filter((name) => !(name in chosen)).map((name) => [name, ''])),
    ...chosen,
    ...broughtFiles(plan),
    ...(archiving === 'off' ? { archive_mode: 'off' } : {}),
  };
}

/** A configuration inside the data directory may name files outside it: here they are inside. */
function broughtFiles({ backup, targetDirectory }: ClusterRestorePlan): Record<string, string> {
  const brought = backup.manifest.configFiles.filter(({ setting }) => setting !== 'config_file');
  return Object.fromEntries(
    brought.flatMap(({ setting }) => {
      const file = CONFIG_FILES[setting];
      return file === undefined ? [] : [[setting, path.join(targetDirectory, file)]];
    }),
  );
}

/** PostgreSQL manual, "Recovery Target". */
function targetSettings(target: RecoveryTarget): Record<string, string> {
  const inclusive = { recovery_target_inclusive: 'inclusive' in target && !target.inclusive ? 'off' : 'on' };
  switch (target.kind) {
    case 'latest':
      return {};
    case 'immediate':
      return { recovery_target: 'immediate' };
    case 'time':
      return { ...inclusive, recovery_target_time: timeSetting(target) };
    case 'lsn':
      return { ...inclusive, recovery_target_lsn: formatLsn(target.lsn) };
    case 'xid':
      return { ...inclusive, recovery_target_xid: target.xid };
    case 'name':
      return { recovery_target_name: target.name };
  }
}

/** The section that an earlier restore wrote into the source goes: its targets are not those of this one. */
function withoutSection(text: string): string {
  const lines = text.split('\n');
  const kept: string[] = [];
  let inside = false;
  for (const line of lines) {
    if (line === BEGIN) inside = true;
    if (!inside) kept.push(line);
    if (line === END) inside = false;
  }
  const rest = kept.join('\n').replace(/\n+$/, '');
  return rest === '' ? '' : `${rest}\n`;
}

/** Settings in a file from outside the data directory that lead back to where it was. */
const LEADING_AWAY =
  /^\s*(data_directory|hba_file|ident_file|external_pid_file|include|include_dir|include_if_exists)\b/;

/** Files that the source kept outside its data directory are put into it, under the names that PostgreSQL looks for. */
async function bringConfigFiles(plan: ClusterRestorePlan, context: RunContext): Promise<void> {
  const { backup, partialDirectory, user } = plan;
  const { manifest, entry } = backup;
  for (const { setting, path: from, part: name } of manifest.configFiles) {
    const part = findPart(manifest.parts, name) ?? manifest.parts.find((each) => each.name === name);
    const file = CONFIG_FILES[setting];
    if (!part || !file) continue;
    let text = (await collect(readPart(entry, part))).toString('utf8');
    if (setting === 'config_file') {
      text = text
        .split('\n')
        .map((line) => (LEADING_AWAY.test(line) ? `# left out by structdb restore: ${line}` : line))
        .join('\n');
    }
    await writeOwn(path.join(partialDirectory, file), text, user);
    context.report({ kind: 'notice', message: `${from} of the source is ${file} in the restored directory.` });
  }
  await completeConfigFiles(plan, context);
}

/** A cluster whose configuration was outside and was not kept still starts. */
async function completeConfigFiles({ partialDirectory, backup, user }: ClusterRestorePlan, context: RunContext) {
  const made: string[] = [];
  const ensure = async (file: string, content: string) => {
    const full = path.join(partialDirectory, file);
    if ((await readOrEmpty(full)) !== '') return;
    await writeOwn(full, content, user);
    made.push(file);
  };
  // Replay needs these at least as high as the source had them (PostgreSQL manual, "Hot Standby").
  await ensure('postgresql.conf', `# Written by structdb restore\n${renderSettings(backup.manifest.requiredSettings)}`);
  await ensure(
    'pg_hba.conf',
    '# Written by structdb restore\nlocal all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n',
  );
  await ensure('pg_ident.conf', '# Written by structdb restore\n');
  const [first] = made;
  if (first === undefined || (made.length === 1 && first === 'pg_ident.conf')) return;
  context.report({
    kind: 'warning',
    message: `The backup holds no ${made.join(', no ')}: plain ones were written.`,
    hint: 'Compare them with those of the source before clients connect.',
  });
}

/** Where each tablespace is now: the server makes its links from this file when it starts. */
async function placeTablespaceMap({ partialDirectory, tablespaces, user }: ClusterRestorePlan): Promise<void> {
  const file = path.join(partialDirectory, 'tablespace_map');
  if (tablespaces.length === 0) return;
  const lines = tablespaces.map(({ oid, to }) => `${oid} ${to.replace(/[\n\r\\]/g, '\\$&')}\n`);
  await writeOwn(file, lines.join(''), user);
}

async function readOrEmpty(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  });
}
