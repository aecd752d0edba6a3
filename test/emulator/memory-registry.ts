/** A registry of a hundred lines that keeps everything in memory, for what must not depend on an installed one. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface LocalRegistry {
  /** Such as `http://127.0.0.1:5000`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface MemoryRegistry extends LocalRegistry {
  /** Headers of every request so far. */
  readonly seen: readonly IncomingMessage['headers'][];
}

interface Store {
  readonly blobs: Map<string, Buffer>;
  readonly uploads: Map<string, Buffer>;
  /** By `NAME@TAG` and `NAME@DIGEST`. */
  readonly manifests: Map<string, { readonly type: string; readonly body: Buffer }>;
}

export async function startMemoryRegistry(): Promise<MemoryRegistry> {
  const store: Store = { blobs: new Map(), uploads: new Map(), manifests: new Map() };
  const seen: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    // An upload that is broken off is nobody's failure here.
    answer(store, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function digestOf(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

async function answer(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Absolute links are made from what a proxy in front says, as the real one does.
  const scheme = String(request.headers['x-forwarded-proto'] ?? 'http');
  const url = URL.parse(request.url ?? '/', `${scheme}://${request.headers.host}`);
  const path = decodePath(url?.pathname ?? '%');
  const [, name = '', kind = '', reference = ''] =
    /^\/v2\/([\w./-]+?)\/(blobs|manifests|tags)\/([\w.:/-]*)$/.exec(path ?? '') ?? [];
  const body = await buffer(request);
  const send = (status: number, headers: Record<string, string> = {}, text: Buffer | string = '') => {
    const bytes = Buffer.from(text);
    response.writeHead(status, { 'Content-Length': bytes.length, ...headers });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
  const names = [...new Set([...store.manifests.keys()].map((key) => key.slice(0, key.indexOf('@'))))];

  if (url === null || path === undefined) {
    send(400);
    return;
  }
  const { origin, searchParams } = url;
  if (path === '/v2/') {
    send(200, {}, '{}');
  } else if (path === '/v2/_catalog') {
    send(200, {}, JSON.stringify({ repositories: names }));
  } else if (kind === 'tags') {
    const tags = [...store.manifests.keys()]
      .filter((key) => key.startsWith(`${name}@`) && !key.includes('@sha256:'))
      .map((key) => key.slice(name.length + 1));
    send(tags.length === 0 ? 404 : 200, {}, JSON.stringify({ name, tags }));
  } else if (kind === 'manifests') {
    answerManifest();
  } else if (kind === 'blobs') {
    answerBlob();
  } else {
    send(404);
  }

  function answerManifest(): void {
    if (request.method === 'PUT') {
      const manifest = { type: request.headers['content-type'] ?? '', body };
      store.manifests.set(`${name}@${reference}`, manifest);
      store.manifests.set(`${name}@${digestOf(body)}`, manifest);
      send(201, {
        Location: `${origin}/v2/${name}/manifests/${reference}`,
        'Docker-Content-Digest': digestOf(body),
      });
      return;
    }
    const manifest = store.manifests.get(`${name}@${reference}`);
    if (manifest === undefined) {
      send(404);
    } else {
      send(200, { 'Content-Type': manifest.type, 'Docker-Content-Digest': digestOf(manifest.body) }, manifest.body);
    }
  }

  function answerBlob(): void {
    const upload = /^uploads\/(.*)$/.exec(reference)?.[1];
    if (upload === undefined) {
      const blob = store.blobs.get(reference);
      send(blob === undefined ? 404 : 200, {}, blob);
      return;
    }
    const id = upload === '' ? String(store.uploads.size + 1) : upload;
    const whole = Buffer.concat([store.uploads.get(id) ?? Buffer.alloc(0), body]);
    store.uploads.set(id, whole);
    if (request.method === 'PUT' && searchParams.get('digest') !== digestOf(whole)) {
      send(400);
    } else if (request.method === 'PUT') {
      store.blobs.set(digestOf(whole), whole);
      send(201, { Location: `${origin}/v2/${name}/blobs/${digestOf(whole)}` });
    } else {
      send(202, { Location: `${origin}/v2/${name}/blobs/uploads/${id}?_state=a%2Fb`, 'Docker-Upload-UUID': id });
    }
  }
}

/** @returns the path as it is meant, `%2F` being a slash as everywhere; `undefined` when its encoding is broken */
function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
