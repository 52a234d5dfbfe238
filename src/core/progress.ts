/** What a capability tells while it works. The command line shows it; libraries may ignore it. */
export type ProgressEvent =
  /** A step begins. `step` is a stable dotted name (`backup.dump`); `message` is for people. */
  | { readonly kind: 'step'; readonly step: string; readonly message: string }
  /** How far the step is; `total` is absent when unknown. */
  | {
      readonly kind: 'progress';
      readonly step: string;
      readonly done: number;
      readonly total?: number;
      readonly unit: 'bytes' | 'rows' | 'items';
    }
  /** The step is complete. */
  | { readonly kind: 'done'; readonly step: string; readonly message: string; readonly durationMs: number }
  /** Something the user should know that does not stop the work. */
  | { readonly kind: 'notice'; readonly message: string; readonly hint?: string }
  | { readonly kind: 'warning'; readonly message: string; readonly hint?: string };

export type ProgressListener = (event: ProgressEvent) => void;

/** Runs `work` as a named step: reports its begin, and its end with the duration. `doneMessage` may look at the result. */
export async function asStep<T>(
  context: { readonly report: ProgressListener; readonly clock: { monotonicMs(): number } },
  step: string,
  message: string,
  work: () => Promise<T>,
  doneMessage: (result: T) => string = () => message,
): Promise<T> {
  const started = context.clock.monotonicMs();
  context.report({ kind: 'step', step, message });
  const result = await work();
  context.report({
    kind: 'done',
    step,
    message: doneMessage(result),
    durationMs: context.clock.monotonicMs() - started,
  });
  return result;
}
