import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { codeOf, messageOf, StructdbError } from '../../core/errors.ts';

const file = z.string().min(1, 'it is empty');
const tlsVersion = z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']);
const oneLine = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a value without line breaks');

/** What Prometheus' exporters read with --web.config.file (github.com/prometheus/exporter-toolkit, docs/web-configuration.md). */
const schema = z
  .strictObject({
    tls_server_config: z
      .strictObject({
        cert_file: file,
        key_file: file,
        client_ca_file: file.optional(),
        client_auth_type: z
          .enum([
            'NoClientCert',
            'RequestClientCert',
            'RequireAnyClientCert',
            'VerifyClientCertIfGiven',
            'RequireAndVerifyClientCert',
          ])
          .default('NoClientCert'),
        min_version: tlsVersion.default('TLS12'),
        max_version: tlsVersion.default('TLS13'),
      })
      .superRefine((tls, context) => {
        const verifies = /Verify/.test(tls.client_auth_type);
        const problem = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
        if (verifies && tls.client_ca_file === undefined)
          problem('client_ca_file', `${tls.client_auth_type} needs the authority to verify by`);
        if (tls.client_ca_file !== undefined && tls.client_auth_type === 'NoClientCert')
          problem('client_auth_type', 'an authority is named, and no client is asked for its certificate');
        if (tls.min_version > tls.max_version) problem('min_version', 'later than max_version');
      })
      .optional(),
    http_server_config: z
      .strictObject({
        /** Understood, so that a file can be shared; structdb speaks HTTP/1.1. */
        http2: z.boolean().optional(),
        headers: z
          .strictObject({
            'Content-Security-Policy': oneLine.optional(),
            'X-Frame-Options': z.enum(['deny', 'sameorigin']).optional(),
            'X-Content-Type-Options': z.literal('nosniff').optional(),
            'X-XSS-Protection': oneLine.optional(),
            'Strict-Transport-Security': oneLine.optional(),
          })
          .optional(),
      })
      .optional(),
    basic_auth_users: z
      .record(
        z.string().regex(/^[^:]+$/, 'a name without a colon'),
        z.string().regex(/^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/, 'a bcrypt hash; make one: htpasswd -nBC 10 <name>'),
      )
      .optional(),
  })
  .nullable();

export type WebConfig = Readonly<NonNullable<z.output<typeof schema>>>;
export type TlsConfig = NonNullable<WebConfig['tls_server_config']>;

/** A web configuration that is read again when its file changes. What was good stays while the new one has problems. */
export class WebConfigFile {
  readonly #file: string;
  readonly #onProblem: (problem: StructdbError) => void;
  #stamp: string;
  #config: WebConfig;

  /** @throws WEB_CONFIG_INVALID with every problem; FILE_MISSING, FILE_UNREADABLE */
  constructor(file: string, onProblem: (problem: StructdbError) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
    this.#stamp = stampOf(file);
    this.#config = readWebConfig(file);
  }

  /** As it is now. */
  get current(): WebConfig {
    const stamp = stampOf(this.#file);
    if (stamp === this.#stamp) return this.#config;
    this.#stamp = stamp;
    try {
      this.#config = readWebConfig(this.#file);
    } catch (error) {
      if (!(error instanceof StructdbError)) throw error;
      this.#onProblem(error);
    }
    return this.#config;
  }
}

/** Changes with the file; empty while it is not there. */
export function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}

/** Reads and checks a web configuration; paths in it are taken from its own folder. */
export function readWebConfig(name: string): WebConfig {
  const lines = new LineCounter();
  const document = parseDocument(readText(name, 'the web configuration'), { lineCounter: lines, prettyErrors: false });
  const invalid = (problems: readonly string[]) =>
    new StructdbError(
      'WEB_CONFIG_INVALID',
      `The web configuration ${name} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}.`,
      {
        details: problems,
        hint: 'See docs/monitoring.md, "TLS and passwords".',
      },
    );
  if (document.errors.length > 0) {
    throw invalid(document.errors.map(({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`));
  }
  const raw: unknown = document.toJS();
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap((issue) => describeIssue(issue, raw)));
  const config = parsed.data ?? {};
  const tls = config.tls_server_config;
  if (!tls) return config;
  const from = (own: string) => path.resolve(path.dirname(name), own);
  return {
    ...config,
    tls_server_config: {
      ...tls,
      cert_file: from(tls.cert_file),
      key_file: from(tls.key_file),
      client_ca_file: tls.client_ca_file && from(tls.client_ca_file),
    },
  };
}

/** A whole text file. @throws FILE_MISSING, FILE_UNREADABLE */
export function readText(name: string, what: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (cause) {
    const missing = codeOf(cause) === 'ENOENT';
    throw new StructdbError(
      missing ? 'FILE_MISSING' : 'FILE_UNREADABLE',
      missing ? `There is no file ${name}, named as ${what}.` : `Cannot read ${what} ${name}: ${messageOf(cause)}.`,
      { cause, hint: 'Check the path, its owner and its permissions.' },
    );
  }
}

/** `tls_server_config.cert_fil: there is no such key`; never a value, which may be a hash. */
function describeIssue(issue: z.core.$ZodIssue, raw: unknown): string[] {
  const place = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${place === '' ? key : `${place}.${key}`}: there is no such key`);
  }
  return [`${place === '' ? 'the file' : place}: ${wanted(issue, raw)}`];
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  object: 'keys with values',
  record: 'names with values',
};

/** What should stand there, as the schema's own messages say it. */
function wanted(issue: z.core.$ZodIssue, raw: unknown): string {
  const value = issue.path.reduce<unknown>((inside, key) => (inside as Record<PropertyKey, unknown>)?.[key], raw);
  if (issue.code === 'invalid_type' || issue.code === 'invalid_value') {
    if (value === undefined) return 'it is missing';
    if (value === null) return 'it is empty';
  }
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.message;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(', ')}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}
