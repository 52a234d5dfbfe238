/** The private PostgreSQL server of a checkout: started, stopped, looked at, thrown away. */
export { readPrivateServer } from './address.ts';
export { openPsql } from './psql.ts';
export { planReset, type ResetOptions, type ResetPlan, type ResetResult, resetPrivateServer } from './reset.ts';
export { type StartOptions, type StartResult, startPrivateServer } from './start.ts';
export { privateServerStatus, type StatusResult, type WalStatus } from './status.ts';
export { type StopResult, stopPrivateServer } from './stop.ts';
export { openLocalStore } from './store.ts';
