import { type Activity, activityOf } from './activity.ts';
import { type Account, accountsOf, customerName, marketOf, siteName, structureName } from './people.ts';
import { Random } from './random.ts';
import type { ProjectEventType, ProjectStatus } from './rows.ts';

/** One project before its rows are written out: cheap to make, so that each table can be generated without the others. */
export interface ProjectPlan {
  readonly index: number;
  readonly seed: number;
  readonly id: string;
  readonly account: Account;
  readonly name: string;
  readonly customer: string;
  readonly site: string;
  readonly status: ProjectStatus;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number;
  readonly payloads: number;
  readonly events: readonly PlannedEvent[];
}

export interface PlannedEvent {
  readonly type: ProjectEventType;
  readonly actor: string;
  readonly at: number;
  /** The payload that was saved; 0 for other events. */
  readonly payloadVersion: number;
}

/** The sample ends here, not today: the rows of a seed are the same in every year. */
export const SAMPLE_END = Date.UTC(2026, 5, 30);
const SAMPLE_DAYS = 1460;
const DAY_MS = 86_400_000;
const PROJECT_STREAM = 2;

/** The project with that number; the same for the same seed, whatever the scale. */
export function planProject(seed: number, index: number): ProjectPlan {
  const random = new Random(seed, PROJECT_STREAM, index);
  const activity = activityOf(seed, index);
  const { payloads } = activity;
  const market = marketOf(index);
  const id = random.uuid();
  const accounts = accountsOf(seed, market);
  const account = accounts[random.skewed(accounts.length)]!;
  const status = statusOf(random, payloads);
  const createdAt = SAMPLE_END - random.between(1, SAMPLE_DAYS * 24 * 3600) * 1000;
  const name = `${structureName(random)} ${index + 1}`;
  const customer = customerName(random, market);
  const site = siteName(random);
  const events = planEvents(random, { ...activity, account, createdAt, status });
  return { index, seed, id, account, name, customer, site, status, createdAt, payloads, events };
}

function statusOf(random: Random, payloads: number): ProjectStatus {
  const draw = random.fraction();
  if (payloads === 0) return draw < 0.45 ? 'draft' : draw < 0.8 ? 'active' : draw < 0.9 ? 'on_hold' : 'archived';
  return draw < 0.4 ? 'active' : draw < 0.48 ? 'on_hold' : draw < 0.86 ? 'completed' : 'archived';
}

interface EventScene extends Activity {
  readonly account: Account;
  readonly createdAt: number;
  readonly status: ProjectStatus;
}

function planEvents(random: Random, scene: EventScene): PlannedEvent[] {
  const { account, createdAt, payloads, otherEvents } = scene;
  const lead = random.pick(account.engineers);
  const events: PlannedEvent[] = [{ type: 'created', actor: lead, at: createdAt, payloadVersion: 0 }];
  const room = Math.min(SAMPLE_END - createdAt, 120 * DAY_MS);
  const kinds = interleave(payloads, otherEvents);
  let saved = 0;
  kinds.forEach((isPayload, step) => {
    // Equal steps with a little play keep the order of time without sorting.
    const at = createdAt + Math.floor((room * (step + 0.2 + 0.6 * random.fraction())) / kinds.length);
    const actor = random.fraction() < 0.7 ? lead : random.pick(account.engineers);
    if (isPayload) saved += 1;
    const payloadVersion = isPayload ? saved : 0;
    const isLast = step === kinds.length - 1;
    events.push({ type: isPayload ? 'payload_saved' : otherType(random, scene, isLast), actor, at, payloadVersion });
  });
  return events;
}

/** `true` for each saved payload, `false` for each other event; a calculation follows what it calculates. */
function interleave(payloads: number, others: number): boolean[] {
  const kinds: boolean[] = [];
  for (let step = 0; step < Math.max(payloads, others); step += 1) {
    if (step < payloads) kinds.push(true);
    if (step < others) kinds.push(false);
  }
  return kinds;
}

function otherType(random: Random, { payloads, status }: EventScene, isLast: boolean): ProjectEventType {
  if (isLast && status === 'archived') return 'archived';
  const draw = random.fraction();
  if (draw < 0.008) return 'restored';
  if (payloads === 0) return draw < 0.7 ? 'updated' : 'status_changed';
  return draw < 0.45 ? 'calculated' : draw < 0.55 ? 'exported' : draw < 0.8 ? 'updated' : 'status_changed';
}
