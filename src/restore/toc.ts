/** What a role and a server can take: decides which entries of a dump's table of contents are restored. */
export interface TocLimits {
  readonly superuser: boolean;
  /** Schemas that are there already. */
  readonly schemas: ReadonlySet<string>;
  /** Extensions that are there already, and whether the role owns them. */
  readonly extensions: ReadonlyMap<string, { readonly owned: boolean }>;
  /** Extensions that the server could install, and whether a plain owner may (the control file says `trusted`). */
  readonly available: ReadonlyMap<string, { readonly trusted: boolean }>;
}

export interface TocSelection {
  /** The list that pg_restore -L takes. */
  readonly list: string;
  readonly entries: number;
  /** What was left out, each with its reason, for the reader. */
  readonly leftOut: readonly string[];
  /** Whether it holds privileges (restored one by one, because grantees may be missing). */
  readonly privilegeList: string | undefined;
  /** Every owner that it names. */
  readonly lines: readonly string[];
}

/** Kinds that only a superuser may create. */
const SUPERUSER_KINDS = /^(EVENT TRIGGER|SUBSCRIPTION|FOREIGN DATA WRAPPER) /;

/** Sorts the output of `pg_restore --list` into what is restored, what is left out, and the privileges. */
export function selectToc(listing: string, limits: TocLimits): TocSelection {
  const kept: string[] = [];
  const privileges: string[] = [];
  const leftOut: string[] = [];
  for (const line of listing.split('\n')) {
    const entry = /^\d+; \d+ \d+ (.*)$/.exec(line)?.[1];
    if (entry === undefined) continue;
    if (/^(DEFAULT )?ACL /.test(entry)) {
      privileges.push(line);
      continue;
    }
    const verdict = judge(entry, limits);
    if (verdict === 'keep') kept.push(line);
    else if (verdict !== 'there') leftOut.push(verdict);
  }
  const asList = (lines: readonly string[]) => `${lines.join('\n')}\n`;
  return {
    list: asList(kept),
    entries: kept.length,
    leftOut,
    privilegeList: privileges.length > 0 ? asList(privileges) : undefined,
    lines: kept,
  };
}

/** `keep`, `there` (already in the target), or the reason why it is left out. */
function judge(entry: string, limits: TocLimits): string {
  const schema = /^SCHEMA - (.+) \S*$/.exec(entry)?.[1];
  if (schema !== undefined) return limits.schemas.has(schema) ? 'there' : 'keep';
  const extension = /^EXTENSION - (.+?) \S*$/.exec(entry)?.[1];
  if (extension !== undefined) return judgeExtension(extension, limits);
  const commented = /^COMMENT - EXTENSION (.+?) \S*$/.exec(entry)?.[1];
  if (commented !== undefined) return mayComment(commented, limits) ? 'keep' : 'there';
  if (!limits.superuser && SUPERUSER_KINDS.test(entry)) return `${entry.trim()}: only a superuser may create it`;
  return 'keep';
}

function judgeExtension(name: string, limits: TocLimits): string {
  if (limits.extensions.has(name)) return 'there';
  const available = limits.available.get(name);
  if (!available) return `extension ${name}: this server does not have it`;
  if (limits.superuser || available.trusted) return 'keep';
  return `extension ${name}: only a superuser may create it (CREATE EXTENSION ${name})`;
}

/** The comment of an extension comes from its control file; only the extension's owner may set it again. */
function mayComment(name: string, limits: TocLimits): boolean {
  const present = limits.extensions.get(name);
  if (present) return limits.superuser || present.owned;
  return judgeExtension(name, limits) === 'keep';
}

/** The names of owners that cannot be found among `roles`: then everything goes to the restoring role. */
export function unknownOwners(lines: readonly string[], roles: readonly string[]): boolean {
  return lines.some((line) => !line.endsWith(' ') && !roles.some((role) => line.endsWith(` ${role}`)));
}
