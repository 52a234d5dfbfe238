/**
 * Everything structdb takes from the process around it, taken once by the command line and frozen.
 * Nothing below src/cli reads process.env, argv or the working directory.
 */
export interface Environment {
  /** The variables: the real environment, with .env filling what it leaves unset. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly workingDirectory: string;
  /** Effective user id; undefined where the platform has none (Windows). */
  readonly uid: number | undefined;
  readonly userName: string;
  readonly hostName: string;
  readonly platform: NodeJS.Platform;
}
