import { codeOf } from '../core/errors.ts';

/** How often and how patiently a request is repeated. */
export interface RetryPolicy {
  /** All attempts of one request. */
  readonly attempts: number;
  /** While the store has never answered, so that a typing error is told soon; and of those that took the whole timeout. */
  readonly attemptsUntilReached: number;
  /** The first pause; each further one is twice as long, up to the longest, and drawn from its upper half. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** About half a minute in all: a store that restarts costs a backup nothing, and a `wal push` stays within its minute. */
export const RETRY_POLICY: RetryPolicy = Object.freeze({
  attempts: 9,
  attemptsUntilReached: 3,
  firstPauseMs: 200,
  longestPauseMs: 8000,
});

/** Repeats `attempt` while what it throws is worth it. `number` counts from 1. */
export async function withRetries<T>(
  policy: RetryPolicy,
  reached: () => boolean,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(number);
    } catch (error) {
      const patient = (reached() || statusOf(error) !== undefined) && !isTimeout(error);
      const limit = patient ? policy.attempts : policy.attemptsUntilReached;
      if (number >= limit || !isRetryable(error)) throw error;
      await pause(policy, number);
    }
  }
}

/** Waits before attempt `number + 1`. */
export async function pause(policy: RetryPolicy, number: number): Promise<void> {
  const full = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (number - 1));
  await new Promise((resolve) => setTimeout(resolve, full * (0.5 + Math.random() / 2)));
}

/** What S3's servers call a state that passes, whatever the status is. */
const PASSING = new Set([
  'ConditionalRequestConflict',
  'IncompleteBody',
  'InternalError',
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'XAmzContentSHA256Mismatch',
]);

const PASSING_NETWORK = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
]);

/** 408, 429, 5xx, conflicts of two writers, connections that broke. Refusals are not: they stay. */
export function isRetryable(error: unknown): boolean {
  if (PASSING.has(nameOf(error)) || PASSING_NETWORK.has(codeOf(error) ?? '')) return true;
  const status = statusOf(error);
  // The SDK has corrected its clock by the server's and asks to be tried again.
  if ((error as { $metadata?: { clockSkewCorrected?: boolean } }).$metadata?.clockSkewCorrected) return true;
  return (
    status === 408 || status === 409 || status === 429 || (status !== undefined && status >= 500 && status !== 501)
  );
}

/** Nothing moved for the whole timeout. The SDK calls some broken connections so too; those have a code. */
export function isTimeout(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ETIMEDOUT' || (nameOf(error) === 'TimeoutError' && code === undefined);
}

/** S3's name of an error: `NoSuchKey`. */
export function nameOf(error: unknown): string {
  const { name, Code } = error as { name?: unknown; Code?: unknown };
  return typeof Code === 'string' ? Code : typeof name === 'string' ? name : '';
}

/** The HTTP status that an error came with; undefined when nothing was answered. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}
