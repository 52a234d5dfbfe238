import type { ProgressEvent } from '../core/progress.ts';
import { formatBytes, formatCount, formatDuration } from '../core/units.ts';

/** How often a step that goes on is told of where no spinner can turn. Milliseconds. */
const EVERY_MS = 30_000;

/**
 * Tells now and then how far a long step is, for logs and pipes: a CI server takes half an hour of silence for a hang. Short
 * steps are told when they are done, and not before.
 */
export class ProgressLines {
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #steps = new Map<string, { readonly message: string; readonly began: number; told: number }>();

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number = () => performance.now(), everyMs: number = EVERY_MS) {
    this.#now = now;
    this.#everyMs = everyMs;
  }

  /** `Loading 1,000,000 projects: 412,000 of 5,000,000 · 21,000/s · 3 min 38 s left`, when it is time; undefined else. */
  lineOf(event: ProgressEvent): string | undefined {
    if (event.kind === 'step') {
      const began = this.#now();
      this.#steps.set(event.step, { message: event.message, began, told: began });
    } else if (event.kind === 'done') this.#steps.delete(event.step);
    if (event.kind !== 'progress') return undefined;
    const step = this.#steps.get(event.step);
    const now = this.#now();
    if (!step || now - step.told < this.#everyMs) return undefined;
    step.told = now;
    return `${step.message}: ${describeProgress(event, now - step.began)}`;
  }
}

/** `12.0 MiB of 64.0 MiB · 8.1 MiB/s · 6.4 s left` */
export function describeProgress(event: Extract<ProgressEvent, { kind: 'progress' }>, elapsedMs: number): string {
  const show = event.unit === 'bytes' ? formatBytes : formatCount;
  const parts = [event.total === undefined ? show(event.done) : `${show(event.done)} of ${show(event.total)}`];
  const perMs = elapsedMs > 500 ? event.done / elapsedMs : 0;
  if (perMs > 0) {
    parts.push(`${show(Math.round(perMs * 1000))}/s`);
    if (event.total !== undefined && event.total > event.done)
      parts.push(`${formatDuration((event.total - event.done) / perMs)} left`);
  }
  return parts.join(' · ');
}
