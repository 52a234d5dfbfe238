import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from '@jest/globals';

/** What a scripted request does instead of, or besides, what a good server would do. */
export type Fault = (exchange: Exchange) => void | Promise<void>;

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** What a good server does; its answer goes to `response`. */
  readonly serve: () => void;
  /** Does what a good server does and returns its answer, without sending it. */
  readonly serveSilently: () => Answer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

interface FakeObject {
  readonly body: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/**
 * A scripted S3 server, for what a good one never shows. It keeps objects of one bucket, `bucket`, honours conditions,
 * ranges and uploads in parts, and checks no signature. `faults` are used up in order by the requests they fit.
 */
export class FakeS3 {
  readonly objects = new Map<string, FakeObject>();
  readonly uploads = new Map<
    string,
    { readonly key: string; readonly metadata: FakeObject['metadata']; readonly parts: Map<number, Buffer> }
  >();
  /** As some servers do. */
  ignoresConditions = false;
  /** Every request, as `PUT /bucket/key`. */
  readonly log: string[] = [];
  readonly #faults: { readonly fits: RegExp; readonly fault: Fault }[] = [];
  #server: Server | undefined;

  async start(): Promise<this> {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    servers.push(this.#server);
    await new Promise<void>((resolve) => this.#server!.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  /** The next request that fits (`PUT /bucket/key?partNumber=…`) meets this fault, `times` times. */
  meet(fits: RegExp, fault: Fault, times = 1): void {
    for (let i = 0; i < times; i += 1) this.#faults.push({ fits, fault });
  }

  get unmetFaults(): number {
    return this.#faults.length;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const line = `${request.method} ${request.url}`;
    this.log.push(line);
    const body = Buffer.concat(chunks);
    const serveSilently = () => this.#serve(request, body);
    const serve = () => send(response, serveSilently(), request.method === 'HEAD');
    const index = this.#faults.findIndex(({ fits }) => fits.test(line));
    const [found] = index < 0 ? [] : this.#faults.splice(index, 1);
    if (found) await found.fault({ request, response, body, serve, serveSilently });
    else serve();
  }

  #serve(request: IncomingMessage, body: Buffer): Answer {
    const url = new URL(request.url ?? '/', 'http://fake');
    const [bucket, ...rest] = decodeURIComponent(url.pathname.slice(1)).split('/');
    const key = rest.join('/');
    const query = url.searchParams;
    if (bucket !== 'bucket') return failure(404, 'NoSuchBucket');
    if (key === '') return query.has('uploads') ? this.#listUploads() : this.#list(query);
    if (request.method === 'POST' && query.has('uploads')) return this.#begin(key, metadataOf(request));
    if (request.method === 'POST') return this.#complete(query.get('uploadId') ?? '');
    if (request.method === 'DELETE' && query.has('uploadId')) {
      return this.uploads.delete(query.get('uploadId') ?? '') ? answer(204) : failure(404, 'NoSuchUpload');
    }
    if (request.method === 'DELETE') {
      this.objects.delete(key);
      return answer(204);
    }
    if (request.method === 'PUT' && query.has('partNumber')) {
      this.uploads.get(query.get('uploadId') ?? '')?.parts.set(Number(query.get('partNumber')), body);
      return answer(200, '', { etag: etagOf(body) });
    }
    if (request.method === 'PUT') {
      if (request.headers['if-none-match'] === '*' && !this.ignoresConditions && this.objects.has(key))
        return failure(412, 'PreconditionFailed');
      this.objects.set(key, { body, metadata: metadataOf(request) });
      return answer(200, '', { etag: etagOf(body) });
    }
    return this.#read(key, request);
  }

  #read(key: string, request: IncomingMessage): Answer {
    const found = this.objects.get(key);
    if (!found) return failure(404, 'NoSuchKey');
    const etag = etagOf(found.body);
    if (request.headers['if-match'] !== undefined && request.headers['if-match'] !== etag) {
      return failure(412, 'PreconditionFailed');
    }
    const meta = Object.fromEntries(
      Object.entries(found.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]),
    );
    const headers = { etag, 'last-modified': new Date().toUTCString(), ...meta };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    if (!range) return { status: 200, headers, body: found.body };
    const part = found.body.subarray(Number(range[1]), range[2] ? Number(range[2]) + 1 : undefined);
    const covered = `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${found.body.length}`;
    if (part.length === 0) return failure(416, 'InvalidRange');
    return { status: 206, headers: { ...headers, 'content-range': covered }, body: part };
  }

  #begin(key: string, metadata: FakeObject['metadata']): Answer {
    const id = `upload-${this.uploads.size + 1}-${this.log.length}`;
    this.uploads.set(id, { key, metadata, parts: new Map() });
    return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  #complete(id: string): Answer {
    const upload = this.uploads.get(id);
    if (!upload) return failure(404, 'NoSuchUpload');
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, body]) => body);
    this.objects.set(upload.key, { body: Buffer.concat(parts), metadata: upload.metadata });
    this.uploads.delete(id);
    return xml('<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>');
  }

  #list(query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? '';
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const contents = keys.map(
      (key) => `<Contents><Key>${key}</Key><Size>${this.objects.get(key)!.body.length}</Size></Contents>`,
    );
    return xml(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`);
  }

  #listUploads(): Answer {
    const uploads = [...this.uploads].map(
      ([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    return xml(
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`,
    );
  }
}

/** Answers with an error in S3's form. */
export function refuse(status: number, code: string): Fault {
  return ({ request, response }) => send(response, failure(status, code), request.method === 'HEAD');
}

/** Never answers. */
export const hang: Fault = () => {};

/** Breaks the connection before anything was done. */
export const resetBefore: Fault = ({ response }) => void response.socket?.destroy();

/** Does it, and breaks the connection instead of answering: the answer is lost. */
export const loseAnswer: Fault = ({ serveSilently, response }) => {
  serveSilently();
  response.socket?.destroy();
};

/** Answers with half of the body, then breaks the connection. */
export const breakOff: Fault = ({ serveSilently, response }) => {
  const { status, headers, body } = serveSilently();
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.write(body.subarray(0, Math.ceil(body.length / 2)), () => setTimeout(() => response.socket?.destroy(), 20));
};

/** Answers with half of the body, and then with nothing more. */
export const stall: Fault = ({ serveSilently, response }) => {
  const { status, headers, body } = serveSilently();
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.write(body.subarray(0, Math.ceil(body.length / 2)));
};

/** S3 answers so when the completion of an upload fails after it has begun to answer. */
export const errorInside: Fault = ({ response }) =>
  send(response, { ...failure(200, 'InternalError'), status: 200 }, false);

function send(response: ServerResponse, { status, headers, body }: Answer, headOnly: boolean): void {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.end(headOnly ? undefined : body);
}

function answer(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: Buffer.from(body) };
}

function xml(body: string): Answer {
  return answer(200, `<?xml version="1.0" encoding="UTF-8"?>${body}`, { 'content-type': 'application/xml' });
}

function failure(status: number, code: string): Answer {
  return { ...xml(`<Error><Code>${code}</Code><Message>scripted</Message></Error>`), status };
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}
