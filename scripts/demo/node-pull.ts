/** A pull as an engine makes it, in a few requests, for where no engine is installed; nothing of it is taken on trust. */
import { createHash } from 'node:crypto';
import { LOGIN_SERVER } from '../../test/e2e/world/cloud.ts';
import type { Emulator } from '../../test/emulator/emulator.ts';
import { type JsonRecord, parseJsonRecord, parseRecord, parseString } from '../../test/emulator/json.ts';
import { createProxiedClient, member } from '../../test/emulator/proxied-client.ts';
import type { PullStep } from './pull.ts';

/** The kinds of manifest that this can read, as an engine says which. */
const MANIFEST_TYPES =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';

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
  const manifestPath = `/v2/${repository}/manifests/${tag}`;

  const timed = async <Result>(
    action: () => Promise<Result>,
    describe: (result: Result) => Omit<PullStep, 'durationMs'>,
  ) => {
    const startedMs = performance.now();
    const result = await action();
    tell({ ...describe(result), durationMs: performance.now() - startedMs });
    return result;
  };
  /** Sends a request whose answer must have this status. */
  const expectStatus = (status: number, url: string, note: string, authorization?: string) => {
    const headers = { accept: MANIFEST_TYPES, ...(authorization === undefined ? {} : { authorization }) };
    const ask = async () => {
      const reply = await client.ask(url, { headers });
      if (reply.status !== status) throw new Error(`GET ${url} answered ${reply.status} instead of ${status}`);
      return reply;
    };
    return timed(ask, () => ({ status, what: `GET ${shorten(url)}`, note }));
  };
  const registryUrl = `https://${LOGIN_SERVER}`;

  try {
    const challenged = await expectStatus(401, `${registryUrl}/v2/`, 'says where tokens are');
    const tokenUrl = readTokenUrl(`${challenged.headers['www-authenticate']}`, repository);
    await expectStatus(401, tokenUrl, 'refused without a credential');
    await expectStatus(401, `${registryUrl}${manifestPath}`, 'refused without a token');

    const answer = await timed(runHelper, () => ({ what: 'docker-credential-acr get', note: 'the credential' }));
    const token = await expectStatus(200, tokenUrl, 'a token for this pull', formatBasic(answer));
    const bearer = `Bearer ${member(token, 'access_token')}`;

    const manifest = await expectStatus(200, `${registryUrl}${manifestPath}`, 'the manifest', bearer);
    checkDigest(manifest.body, `${manifest.headers['docker-content-digest']}`);
    for (const { digest, note } of listBlobs(manifest.body.toString())) {
      const blob = await expectStatus(200, `${registryUrl}/v2/${repository}/blobs/${digest}`, note, bearer);
      checkDigest(blob.body, digest);
    }
  } finally {
    await client.close();
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

function checkDigest(content: Buffer, digest: string): void {
  const actual = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  if (actual !== digest) throw new Error(`The content of ${digest} has the digest ${actual}`);
}

/** Host and path, with as much of a digest as tells it from others. */
function shorten(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname.replace(/(sha256:.{8}).+$/, '$1…')}`;
}
