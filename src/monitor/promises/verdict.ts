import { formatDuration } from '../../core/units.ts';
import type { Fact } from '../facts/fact.ts';
import type { PromiseVerdict } from '../promise.ts';

/** Values this old are still judged while newer ones cannot be read; afterwards nobody knows. Milliseconds. */
const STALE_MS = 15 * 60_000;

interface Told {
  readonly message: string;
  readonly details?: readonly string[];
  readonly measured?: PromiseVerdict['measured'];
  readonly runbook?: string;
}

export function kept(id: string, told: Told): PromiseVerdict {
  return verdict(id, 'kept', null, told);
}

/** `fix`: the command or change that mends it. */
export function broken(id: string, fix: string, told: Told): PromiseVerdict {
  return verdict(id, 'broken', fix, told);
}

export function unknown(id: string, fix: string | null, told: Told): PromiseVerdict {
  return verdict(id, 'unknown', fix, told);
}

/** Nothing of the kind was promised or set up; `fix`: how to. */
export function none(id: string, told: Told, fix: string | null = null): PromiseVerdict {
  return verdict(id, 'none', fix, told);
}

function verdict(
  id: string,
  state: PromiseVerdict['state'],
  fix: string | null,
  { message, details = [], measured = null, runbook }: Told,
): PromiseVerdict {
  return Object.freeze({ id, state, message, details, fix, runbook: runbook ?? null, measured });
}

/**
 * Judges what a fact says. One that could not be read leaves its promises unknown, with the reason; one that could be read
 * a while ago is judged by that, and says so.
 */
export function judged<T>(
  fact: Fact<T>,
  whenUnknown: { readonly ids: readonly string[]; readonly what: string; readonly runbook: string },
  now: Date,
  judge: (value: T) => readonly PromiseVerdict[],
): readonly PromiseVerdict[] {
  const { ids, what, runbook } = whenUnknown;
  const nobodyKnows = (error: string, hint: string | null) =>
    ids.map((id) => unknown(id, hint ?? 'structdb doctor', { message: `${what} cannot be read: ${error}`, runbook }));
  if (!fact.ok) return nobodyKnows(fact.error, fact.hint);
  if (fact.stale === null) return judge(fact.value);
  const ageMs = now.getTime() - fact.at.getTime();
  if (ageMs > STALE_MS) return nobodyKnows(`${fact.stale.error} Last read ${ago(ageMs)}.`, fact.stale.hint);
  const note = `As it was ${ago(ageMs)}; since then: ${fact.stale.error}`;
  return judge(fact.value).map((each) => ({ ...each, details: [...each.details, note] }));
}

/** `3 days ago`, `12.0 s ago`; an instant that lies ahead, by another clock, is now. */
export function ago(ms: number): string {
  return `${formatDuration(Math.max(0, Math.round(ms / 1000) * 1000))} ago`.replace('0.00 ms ago', 'just now');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `3 Nov 02:00 UTC`; with the year where it is another one. */
export function instantText(at: Date, now: Date): string {
  const pad = (n: number) => String(n).padStart(2, '0');
  const year = at.getUTCFullYear() === now.getUTCFullYear() ? '' : ` ${at.getUTCFullYear()}`;
  const day = `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${year}`;
  return `${day} ${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())} UTC`;
}

/** `95.0 %`: rounded down, so that what missed a limit never looks as if it had kept it. */
export function percent(ratio: number): string {
  return `${(Math.floor(ratio * 1000 + 1e-9) / 10).toFixed(1)} %`;
}
