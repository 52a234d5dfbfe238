/** The public door of the library: configuration, connections, the typed database and its rules. */
export type { ConnectionSettings, SslMode, TlsSettings } from './config/connection.ts';
export { describeConnection } from './config/connection.ts';
export { defineConfig } from './config/define-config.ts';
export type { Environment } from './config/environment.ts';
export { loadConfig } from './config/load.ts';
export { type ConnectionRequest, resolveConnection } from './config/resolve.ts';
export type { Config, UserConfig } from './config/schema.ts';
export { type NamedConnection, parseUrlFile } from './config/url-file.ts';
export { systemClock } from './core/clock.ts';
export type { RunContext } from './core/context.ts';
export { ERROR_CODES, type ErrorCode, EXIT, StructdbError } from './core/errors.ts';
export type { ProgressEvent, ProgressListener } from './core/progress.ts';
export { type CreateDatabaseOptions, createDatabase } from './database/create-database.ts';
export * from './database/optimistic-lock.ts';
export * from './database/payload-hash.ts';
export type * from './database/types.ts';
export { type WaitOptions, waitForServer } from './postgres/wait-for-server.ts';
