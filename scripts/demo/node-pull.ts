/** A pull as an engine makes it, in a few requests, for where no engine is installed; nothing of it is taken on trust. */
import { createHash } from 'node:crypto';
import { LOGIN_SERVER } from '../../test/e2e/world/cloud.ts';
import type { Emulator } from '../../test/emulator/emulator.ts';
import { type JsonRecord, parseJsonRecord, parseRecord, parseString } from '../../test/emulator/json.ts';
import { createProxiedClient, member, type Reply } from '../../test/emulator/proxied-client.ts';

/** The kinds of manifest that this can read, as an engine says which. */
const MANIFEST_TYPES =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';

/** One step of a pull. */
export interface PullStep {
  readonly what: string;
  /** What came of it. */
  readonly note: string;
  /** Of the answer, when it was a request. */
  readonly status?: number;
  readonly durationMs: number;
}

/**
 * Pulls an image through the emulator's proxy, trusting its certificate, and tells each step when it is done.
 * @param runHelper Answers with what `docker-credential-acr get` prints.
 * @throws when a step ends otherwise than it must: also when the registry gives anything to who has no credential
 */
export async function pullWithNode(
  emulator: Emulator,
  repository: string,
  tag: string,
  runHelper: () => Promise<string>,
  tell: (step: PullStep) => void,
): Promise<void> {
  const client = await createProxiedClient(emulator);
  const registryUrl = `https://${LOGIN_SERVER}`;
  const manifestUrl = `${registryUrl}/v2/${repository}/manifests/${tag}`;

  const timed = async <Result>(step: Omit<PullStep, 'durationMs'>, action: () => Promise<Result>) => {
    const startedMs = performance.now();
    const result = await action();
    tell({ ...step, durationMs: performance.now() - startedMs });
    return result;
  };
  const get = (url: string, note: string, expected: Expectation, authorization?: string) =>
    timed({ status: expected.status, what: `GET ${shorten(url)}`, note }, async () => {
      const headers = { accept: MANIFEST_TYPES, ...(authorization === undefined ? {} : { authorization }) };
      const reply = await client.ask(url, { headers });
      checkReply(url, reply, expected);
      return reply;
    });

  try {
    const challenge = await get(`${registryUrl}/v2/`, 'says where tokens are', { status: 401 });
    const tokenUrl = readTokenUrl(`${challenge.headers['www-authenticate']}`, repository);
    await get(tokenUrl, 'refused without a credential', { status: 401 });
    await get(manifestUrl, 'refused without a token', { status: 401 });

    const answer = await timed({ what: 'docker-credential-acr get', note: 'the credential' }, runHelper);
    const token = await get(tokenUrl, 'a token for this pull', { status: 200 }, formatBasic(answer));
    const bearer = `Bearer ${member(token, 'access_token')}`;

    const manifest = await get(manifestUrl, 'the manifest', { status: 200 }, bearer);
    for (const { digest, note } of listBlobs(manifest.body.toString())) {
      await get(`${registryUrl}/v2/${repository}/blobs/${digest}`, note, { status: 200, digest }, bearer);
    }
  } finally {
    await client.close();
  }
}

interface Expectation {
  readonly status: number;
  /** Of the body. */
  readonly digest?: string;
}

function checkReply(url: string, { status, body }: Reply, expected: Expectation): void {
  if (status !== expected.status) throw new Error(`GET ${url} answered ${status} instead of ${expected.status}`);
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  if (expected.digest !== undefined && digest !== expected.digest) {
    throw new Error(`GET ${url} answered with the content of ${digest}`);
  }
}

/** Reads the challenge of a registry, and adds what the token shall be good for. */
function readTokenUrl(challenge: string, repository: string): string {
  const [, realm, service] = /^Bearer realm="([^"]+)",service="([^"]+)"/.exec(challenge) ?? [];
  if (realm === undefined || service === undefined) throw new Error(`Cannot read the challenge: ${challenge}`);
  const url = new URL(realm);
  url.searchParams.set('service', service);
  url.searchParams.set('scope', `repository:${repository}:pull`);
  return url.href;
}

function formatBasic(answer: string): string {
  const credential = parseJsonRecord(answer);
  const [username, secret] = ['Username', 'Secret'].map((name) => parseString(credential?.[name]));
  if (username === undefined || secret === undefined) throw new Error('Cannot read the answer of the helper');
  return `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`;
}

/** The configuration and the layers of an image. */
function listBlobs(manifest: string): readonly { readonly digest: string; readonly note: string }[] {
  const { config, layers } = parseJsonRecord(manifest) ?? {};
  const list = Array.isArray(layers) ? layers.map(parseRecord) : [];
  return [
    { digest: readDigest(parseRecord(config)), note: 'its configuration, with the right digest' },
    ...list.map((layer) => ({ digest: readDigest(layer), note: 'a layer, with the right digest' })),
  ];
}

function readDigest(descriptor: JsonRecord | undefined): string {
  const digest = parseString(descriptor?.['digest']);
  if (digest === undefined) throw new Error('Cannot read the manifest: a digest is missing');
  return digest;
}

/** Host and path, with as much of a digest as tells it from others. */
function shorten(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname.replace(/(sha256:.{8}).+$/, '$1…')}`;
}
