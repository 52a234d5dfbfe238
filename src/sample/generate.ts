import { isoTime } from './iso-time.ts';
import { designSnapshot } from './payload.ts';
import { type PlannedEvent, type ProjectPlan, planProject } from './project.ts';
import type { EventRow, PayloadRow, ProjectRow, SampleOptions } from './rows.ts';

/** The release of the calibration constants that the sample was calculated with: the one that migration 004 brings. */
export const SAMPLE_CONSTANTS_VERSION = '2026.1';

/** Every id of the sample, in order. */
export function* sampleProjectIds(options: SampleOptions): Generator<string> {
  for (const plan of plans(options)) yield plan.id;
}

/** The projects; `wanted` leaves out those it says no to (they are in the database already). */
export function* sampleProjects(options: SampleOptions, wanted: Wanted = everything): Generator<ProjectRow> {
  for (const plan of plans(options)) if (wanted(plan.id)) yield projectRow(plan);
}

/** The design snapshots of the wanted projects, project by project, oldest first. */
export function* samplePayloads(options: SampleOptions, wanted: Wanted = everything): Generator<PayloadRow> {
  for (const plan of plans(options)) {
    if (!wanted(plan.id)) continue;
    for (const event of plan.events) if (event.payloadVersion > 0) yield payloadRow(plan, event);
  }
}

/** The audit log of the wanted projects, project by project, oldest first. */
export function* sampleEvents(options: SampleOptions, wanted: Wanted = everything): Generator<EventRow> {
  for (const plan of plans(options)) {
    if (!wanted(plan.id)) continue;
    for (const event of plan.events) yield eventRow(plan, event);
  }
}

export type Wanted = (projectId: string) => boolean;
const everything: Wanted = () => true;

function* plans({ projects, seed }: SampleOptions): Generator<ProjectPlan> {
  for (let index = 0; index < projects; index += 1) yield planProject(seed, index);
}

function projectRow(plan: ProjectPlan): ProjectRow {
  const last = plan.events.at(-1)!;
  const snapshot = plan.payloads === 0 ? undefined : designSnapshot(plan.seed, plan.index, plan.payloads);
  return {
    project_id: plan.id,
    account_id: plan.account.id,
    name: plan.name,
    customer: plan.customer,
    site_name: plan.site,
    status: plan.status,
    created_by: plan.events[0]!.actor,
    updated_by: last.actor,
    created_at: isoTime(plan.createdAt),
    updated_at: isoTime(last.at),
    version: plan.events.length,
    constants_version: snapshot ? SAMPLE_CONSTANTS_VERSION : null,
    content_sha256: snapshot?.sha256 ?? null,
    confidence: snapshot?.confidence ?? null,
  };
}

function payloadRow(plan: ProjectPlan, event: PlannedEvent): PayloadRow {
  const snapshot = designSnapshot(plan.seed, plan.index, event.payloadVersion);
  return {
    project_id: plan.id,
    version: event.payloadVersion,
    module: snapshot.module,
    payload: snapshot.text,
    created_by: event.actor,
    created_at: isoTime(event.at),
    constants_version: SAMPLE_CONSTANTS_VERSION,
    content_sha256: snapshot.sha256,
    confidence: snapshot.confidence,
  };
}

function eventRow(plan: ProjectPlan, event: PlannedEvent): EventRow {
  const data = event.payloadVersion > 0 ? `{"version":${event.payloadVersion}}` : '{}';
  return { project_id: plan.id, event_type: event.type, actor: event.actor, occurred_at: isoTime(event.at), data };
}
