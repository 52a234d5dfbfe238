import type { BackupKind } from '../repository/label.ts';
import type { Tier } from '../repository/manifest.ts';

/** What retention looks at, of one backup of a repository. */
export interface RetentionEntry {
  readonly label: string;
  readonly kind: BackupKind;
  /** The database of a dump. */
  readonly database?: string | undefined;
  readonly at: Date;
  readonly tiers: readonly Tier[];
  readonly purpose: string;
  readonly keepLast: number | null;
  /** What an incremental backup builds on. */
  readonly parent: string | null;
  /** Whether its last verification found it whole; false also when it was never verified. */
  readonly verified: boolean;
  /** False for a manifest that cannot be understood: what it says is then unknown. */
  readonly readable: boolean;
  readonly pinned: boolean;
}

export interface RetentionRules {
  /** How long each tier keeps. */
  readonly keepMs: Readonly<Record<Tier, number>>;
  /** Tiers of this store whose current period has no backup yet: the last run failed, or did not come. */
  readonly overdue: readonly { readonly tier: Tier; readonly kind: BackupKind }[];
  /** Labels of the base backups that the recovery window is reached from. */
  readonly windowNeeds: ReadonlySet<string>;
  readonly now: Date;
}

/** What becomes of a backup, and why. */
export interface Decision {
  readonly label: string;
  readonly keep: boolean;
  /** For people: `daily until 2026-12-24`, `needed by 20261124T…`. */
  readonly reason: string;
}

/**
 * Decides about the backups of one repository in one store, oldest first. Nothing else is looked at, so it can be tried
 * on any history. The rules, in the words of docs/backup.md:
 * - A backup of a tier goes when every tier it counts for no longer keeps it; one made with --keep-last goes when that
 *   many newer ones of its purpose exist; one that is neither stays until somebody removes it.
 * - The newest verified backup of a kind never goes, nor a pinned one, nor what cannot be read.
 * - Nothing goes while the newest backup is not verified, nor by age while a tier is overdue.
 * - A backup stays while a kept incremental builds on it, or the recovery window is reached from it.
 */
export function decideBackups(entries: readonly RetentionEntry[], rules: RetentionRules): Decision[] {
  const newestFirst = [...entries].sort((a, b) => (a.label < b.label ? 1 : -1));
  const decisions = new Map<string, Decision>();
  for (const group of groupsOf(newestFirst)) {
    for (const entry of group) decisions.set(entry.label, decide(entry, group, rules));
  }
  keepWhatIsBuiltOn(newestFirst, decisions);
  return newestFirst.reverse().map(({ label }) => decisions.get(label)!);
}

/** In which order backups are removed: what builds on another goes first, so that no killed run leaves it alone. */
export function removalOrder<Labelled extends { readonly label: string }>(gone: readonly Labelled[]): Labelled[] {
  const isIncremental = ({ label }: Labelled) => label.endsWith('-incremental');
  const newestFirst = gone.filter(isIncremental).sort((a, b) => (a.label < b.label ? 1 : -1));
  return [...newestFirst, ...gone.filter((each) => !isIncremental(each)).sort((a, b) => (a.label < b.label ? -1 : 1))];
}

/** Dumps of each database, and all backups of the cluster, which build on one another. */
function groupsOf(entries: readonly RetentionEntry[]): RetentionEntry[][] {
  const groups = new Map<string, RetentionEntry[]>();
  for (const entry of entries) {
    const key = entry.kind === 'dump' ? `dump ${entry.database}` : 'cluster';
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()];
}

/** `group`: newest first. */
function decide(entry: RetentionEntry, group: readonly RetentionEntry[], rules: RetentionRules): Decision {
  const { label } = entry;
  const keep = (reason: string): Decision => ({ label, keep: true, reason });
  if (!entry.readable) return keep('its manifest cannot be read');
  if (entry.pinned) return keep('pinned');
  const byAge = decideByAge(entry, group, rules);
  if (byAge.keep) return byAge;
  const newestVerified = group.find(({ kind, verified }) => kind === entry.kind && verified);
  if (newestVerified === entry) return keep(`the newest verified ${entry.kind}`);
  const [newest] = group;
  if (!newest!.verified) return keep(`nothing goes while the newest backup, ${newest!.label}, is not verified`);
  if (rules.windowNeeds.has(label)) return keep('the recovery window is reached from it');
  const overdue = rules.overdue.find(({ kind }) => (kind === 'dump') === (entry.kind === 'dump'));
  if (overdue && entry.tiers.length > 0) return keep(`nothing goes while the ${overdue.tier} ${overdue.kind} is due`);
  return byAge;
}

function decideByAge(entry: RetentionEntry, group: readonly RetentionEntry[], rules: RetentionRules): Decision {
  const { label, tiers, keepLast, purpose } = entry;
  if (tiers.length > 0) {
    const ends = tiers.map((tier) => ({ tier, at: new Date(entry.at.getTime() + rules.keepMs[tier]) }));
    const day = (at: Date) => at.toISOString().slice(0, 10);
    const running = ends.filter(({ at }) => at >= rules.now);
    if (running.length > 0) {
      return { label, keep: true, reason: running.map(({ tier, at }) => `${tier} until ${day(at)}`).join(', ') };
    }
    return { label, keep: false, reason: ends.map(({ tier, at }) => `${tier} ended ${day(at)}`).join(', ') };
  }
  if (keepLast === null) return { label, keep: true, reason: 'made by hand: it counts for no tier' };
  const alike = group.filter(
    (other) => other.kind === entry.kind && other.purpose === purpose && other.keepLast !== null && !other.tiers.length,
  );
  // The newest one says how many: the wish that was uttered last.
  const wanted = alike[0]!.keepLast!;
  const isKept = alike.indexOf(entry) < wanted;
  return { label, keep: isKept, reason: `--keep-last ${wanted} of "${purpose}"${isKept ? '' : ': newer ones exist'}` };
}

function keepWhatIsBuiltOn(newestFirst: readonly RetentionEntry[], decisions: Map<string, Decision>): void {
  let unreadable: RetentionEntry | undefined;
  // A parent is older than its child, so that one pass from the newest on sees whole chains.
  for (const entry of newestFirst) {
    const own = decisions.get(entry.label)!;
    if (unreadable && entry.kind !== 'dump' && !own.keep) {
      keepFor(unreadable.label, entry.label, decisions);
    }
    if (!decisions.get(entry.label)!.keep || entry.kind !== 'incremental') continue;
    if (!entry.readable) unreadable ??= entry;
    if (entry.parent !== null) keepFor(entry.label, entry.parent, decisions);
  }
}

function keepFor(child: string, parent: string, decisions: Map<string, Decision>): void {
  if (decisions.get(parent)?.keep !== false) return;
  decisions.set(parent, { label: parent, keep: true, reason: `needed by ${child}` });
}
