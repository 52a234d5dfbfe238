/** What was measured of one query, in the order of its turns. Milliseconds. */
export interface Samples {
  /** From the start (closed loop) or the scheduled start (open loop) until the rows are read. */
  readonly latencies: Float64Array;
  /** The part of it that was waiting for a connection of the pool. */
  readonly waits: Float64Array;
}
