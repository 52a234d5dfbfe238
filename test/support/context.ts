import { systemClock } from '../../src/core/clock.ts';
import type { RunContext } from '../../src/core/context.ts';
import type { ProgressEvent } from '../../src/core/progress.ts';

export interface TestContext extends RunContext {
  readonly events: ProgressEvent[];
  /** Asks the capability to stop, as Ctrl-C does. */
  interrupt(): void;
}

/** A context that records what is reported. */
export function testContext(): TestContext {
  const events: ProgressEvent[] = [];
  const abort = new AbortController();
  return {
    clock: systemClock,
    events,
    report: (event) => void events.push(event),
    signal: abort.signal,
    interrupt: () => abort.abort(),
  };
}
