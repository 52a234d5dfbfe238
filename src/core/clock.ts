/** Where time comes from: injected, so that retention, leases and labels can be tested without waiting. */
export interface Clock {
  /** The instant now. */
  now(): Date;
  /** A monotonic reading in milliseconds, for durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = Object.freeze({
  now: () => new Date(),
  monotonicMs: () => performance.now(),
});
