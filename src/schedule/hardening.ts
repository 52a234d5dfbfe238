import path from 'node:path';
import type { Job, Program } from './jobs.ts';
import type { UnitScope } from './units.ts';

/** A setting of a unit, and its value. */
export type Setting = readonly [name: string, value: string];

/**
 * What a unit may not do (systemd.exec(5)), so that a flaw in structdb or in a library opens little. What runs always is
 * shut in, as it does the same all the time. What a timer starts runs programs of the user (onSuccess, onFailure) and whole
 * servers: from that the kernel alone is kept away.
 */
export function hardening(job: Job, program: Program, scope: UnitScope): Setting[] {
  const isService = job.when.kind === 'service';
  if (scope === 'user') return isService ? on(...UNPRIVILEGED, ...setIds(program)).concat(VALUES) : [];
  if (!isService) return on(...KERNEL);
  return [
    ...on('NoNewPrivileges', ...KERNEL, 'PrivateDevices', 'ProtectHostname', ...UNPRIVILEGED, ...setIds(program)),
    ['ProtectSystem', 'strict'],
    // Not hidden: password files, certificates and profiles of S3 are there, and projects may be.
    ['ProtectHome', 'read-only'],
    ...temporary(program),
    ['CapabilityBoundingSet', CAPABILITIES[job.name] ?? ''],
    ...VALUES,
  ];
}

/** Where a service may write: the folder of the project's state, and stores that are directories. */
export function writablePaths(program: Program): string[] {
  // Without a /tmp of its own it would have none: everything else is read-only.
  const shared = hasOwnTemporary(program) ? [] : TEMPORARY;
  return [...new Set([...program.writes, ...shared])];
}

function on(...names: string[]): Setting[] {
  return names.map((name) => [name, 'true'] as const);
}

/** What is the kernel's, and no affair of any job. */
const KERNEL = [
  'ProtectClock',
  'ProtectControlGroups',
  'ProtectKernelLogs',
  'ProtectKernelModules',
  'ProtectKernelTunables',
];

/** Needs no privilege to be put in force: a user's manager can too. Folders of its own it cannot make. */
const UNPRIVILEGED = ['LockPersonality', 'RestrictNamespaces', 'RestrictRealtime'];

/**
 * Node compiles what it runs, so that MemoryDenyWriteExecute would end it. AF_NETLINK is for looking up names. Calls that are
 * denied fail instead of killing: a library may do without.
 */
const VALUES: readonly Setting[] = [
  ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
  ['SystemCallArchitectures', 'native'],
  ['SystemCallFilter', '@system-service'],
  ['SystemCallErrorNumber', 'EPERM'],
  ['UMask', '0077'],
];

/**
 * What of root's power is left. The receiver works in a store of the server's user and gives it what it writes; the monitor
 * only looks into it.
 */
const CAPABILITIES: Readonly<Record<string, string>> = {
  receive: 'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID',
  monitor: 'CAP_DAC_READ_SEARCH',
};

/** A store for two users has folders with the set-group-ID bit. */
function setIds({ groupAccess }: Program): string[] {
  return groupAccess ? [] : ['RestrictSUIDSGID'];
}

function temporary(program: Program): Setting[] {
  return hasOwnTemporary(program) ? on('PrivateTmp') : [];
}

const TEMPORARY = ['/tmp', '/var/tmp'];

/** A /tmp of its own would hide what it needs of the common one: PostgreSQL's socket, or the project itself. */
function hasOwnTemporary({ node, script, project, writes, socket }: Program): boolean {
  const needed = [node, script, project, ...writes, ...(socket === undefined ? [] : [socket])];
  return !needed.some((each) => TEMPORARY.some((folder) => each === folder || each.startsWith(folder + path.sep)));
}
