import { silenceOf } from '../live.ts';
import type { PromiseState, PromiseVerdict } from '../promise.ts';
import type { MonitorView } from '../view.ts';

/** What a reader wants to know in five seconds. */
export interface Headline {
  readonly state: PromiseState;
  /** `2 of 17 promises are broken` */
  readonly title: string;
  /** What comes of it: how far back one can go, and when that was last proven; empty where neither is promised. */
  readonly sentence: string;
  /** For the tab of a browser: `✗ 2 broken`. */
  readonly short: string;
}

export function headlineOf({ promises, databases }: Pick<MonitorView, 'promises' | 'databases'>): Headline {
  const count = (state: PromiseState) => promises.filter((each) => each.state === state).length;
  const broken = count('broken');
  const unknown = count('unknown');
  const all = broken + unknown + count('kept');
  const down = databases.filter(({ up }) => !up);
  const silence =
    down.length === 1 ? `${down[0]!.name} ${silenceOf(down[0]!)}` : `${down.length} databases do not answer`;
  const sentence = joined(recoveryMessages(promises));
  if (broken > 0) {
    const title =
      all === 1 ? 'The only promise is broken' : `${broken} of ${all} promises ${broken === 1 ? 'is' : 'are'} broken`;
    const whole = joined([...(down.length > 0 ? [silence] : []), ...recoveryMessages(promises)]);
    return { state: 'broken', title, sentence: whole, short: `✗ ${broken} broken` };
  }
  if (down.length > 0) return { state: 'broken', title: silence, sentence, short: `✗ ${down.length} down` };
  if (unknown > 0) {
    const title =
      all === 1 ? 'The only promise could not be looked at' : `${unknown} of ${all} promises could not be looked at`;
    return { state: 'unknown', title, sentence, short: `? ${unknown} unknown` };
  }
  if (all === 0) {
    return { state: 'none', title: 'Nothing is promised yet', sentence, short: 'nothing promised' };
  }
  const title = all === 1 ? 'The only promise holds' : `All ${all} promises hold`;
  return { state: 'kept', title, sentence, short: `✓ ${all} kept` };
}

/** What is recoverable, and what the last drill showed. */
function recoveryMessages(promises: readonly PromiseVerdict[]): string[] {
  const window = promises.find(({ id }) => id === 'recovery.window');
  const drill = promises.find(({ id, state }) => id === 'drill.fresh' && state !== 'none');
  return [window, drill].flatMap((each) => (each ? [each.message.replace(/\.$/, '')] : []));
}

/** `Recoverable from … to …; last drill 3 days ago`: capitals that begin no name go. */
function joined(messages: readonly string[]): string {
  const parts = messages.map((message, place) =>
    place > 0 && /^[A-Z][a-z]/.test(message) ? message[0]!.toLowerCase() + message.slice(1) : message,
  );
  return parts.join('; ');
}
