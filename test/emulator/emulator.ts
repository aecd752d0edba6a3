/**
 * The Azure emulator: Entra ID, ACR and as much of ARM as the Azure CLI needs, answering under their real host
 * names behind a CONNECT proxy with a throw-away certificate authority. The program does not know about it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserPage, browse } from './browse.ts';
import { createCertificateAuthority } from './certificates.ts';
import { issueApplicationToken } from './entra-token.ts';
import { createFaultList, type Fault } from './faults.ts';
import { createRequest } from './message.ts';
import { startProxy } from './proxy.ts';
import { createRecorder, type RecordedRequest } from './records.ts';
import { createServer } from './server.ts';
import {
  ACR_AUDIENCE,
  CLIENT_ID,
  createState,
  type EmulatorState,
  listSecrets,
  OBJECT_ID,
  TENANT_ID,
} from './state.ts';
import { prepareKeys } from './tokens.ts';
import { createUpstream } from './upstream.ts';

export {
  AZURE_CLI_CLIENT_ID,
  CLIENT_ID,
  CLIENT_SECRET,
  OBJECT_ID,
  SUBSCRIPTION_ID,
  TENANT_ID,
  TENANT_NAME,
} from './state.ts';
export { USER_NAME, USER_OBJECT_ID } from './state-sign-in.ts';
export type { BrowserPage, Fault, RecordedRequest };

export interface EmulatorOptions {
  /**
   * Base URL of a real docker-registry (e.g. http://127.0.0.1:5000) that stands behind `/v2/` once the bearer is good;
   * without it `/v2/` answers 200 `{}` and 404 for the rest.
   */
  readonly registryUrl?: string;
  /** Added before each answer and each CONNECT and TLS step, so that a round trip takes this long (used for benchmarks). */
  readonly roundTripMs?: number;
  /** Seconds since the epoch; a test may move it. Default: the system's clock. */
  readonly now?: () => number;
}

export interface EntraTokenOptions {
  /** Default: ACR's audience. */
  readonly audience?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly objectId?: string;
  /** Its lifetime. Default: that of the token endpoint. */
  readonly seconds?: number;
}

export interface Emulator {
  /** `http://127.0.0.1:PORT` */
  readonly proxyUrl: string;
  /** PEM of the throw-away authority, in a temporary folder that `close` removes. */
  readonly caFile: string;
  /** Everything seen so far, in the order of arrival. */
  readonly requests: readonly RecordedRequest[];
  /** CONNECT targets seen so far, `host:port`, refused ones too. */
  readonly connects: readonly string[];
  /** Every secret and token that this emulator was given or issued, for leak scans. */
  readonly secrets: readonly string[];
  /** May be changed while it runs. */
  readonly state: EmulatorState;
  /** The environment variables that lead a real client or SDK to this emulator. */
  environment(): Record<string, string>;
  /** Injects a fault for matching requests. @returns a function that removes it. */
  inject(fault: Fault): () => void;
  /** Issues an Entra token without a request, as a fake CLI or metadata service would hand it out. */
  entraToken(options?: EntraTokenOptions): string;
  /** Opens a sign-in URL as the person's browser would, and brings the answer to the program's loopback. */
  browse(authorizeUrl: string): Promise<BrowserPage>;
  /** Forgets requests and CONNECT targets; secrets stay known. */
  resetRequests(): void;
  close(): Promise<void>;
}

/** Starts an emulator on a free port of the loopback. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const state = createState();
  const clock = options.now ?? (() => Date.now() / 1000);
  const now = () => Math.floor(clock());
  const roundTripMs = options.roundTripMs ?? 0;
  const faults = createFaultList();
  const recorder = createRecorder();
  const upstream = options.registryUrl === undefined ? undefined : createUpstream(options.registryUrl);
  const [authority] = await Promise.all([createCertificateAuthority(), prepareKeys()]);
  const folder = await mkdtemp(join(tmpdir(), 'azure-emulator-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.pem);
  const server = createServer({
    state,
    now,
    faults,
    recorder,
    roundTripMs,
    upstream,
    registryUrl: options.registryUrl,
  });
  const proxy = await startProxy(authority, server, roundTripMs);

  return {
    proxyUrl: proxy.url,
    caFile,
    state,
    get requests() {
      return recorder.requests();
    },
    get connects() {
      return recorder.connects();
    },
    get secrets() {
      return listSecrets(state);
    },
    environment: () => ({
      HTTPS_PROXY: proxy.url,
      https_proxy: proxy.url,
      // Plain http comes here too, so that it is recorded instead of reaching a network.
      HTTP_PROXY: proxy.url,
      http_proxy: proxy.url,
      NO_PROXY: '127.0.0.1,localhost',
      no_proxy: '127.0.0.1,localhost',
      NODE_EXTRA_CA_CERTS: caFile,
      SSL_CERT_FILE: caFile,
      REQUESTS_CA_BUNDLE: caFile,
      CURL_CA_BUNDLE: caFile,
    }),
    inject: faults.inject,
    entraToken: (token = {}) => {
      const tenantId = token.tenantId ?? TENANT_ID;
      return issueApplicationToken(
        state,
        {
          tenant: { id: tenantId },
          application: { clientId: token.clientId ?? CLIENT_ID, objectId: token.objectId ?? OBJECT_ID },
          audience: token.audience ?? ACR_AUDIENCE,
          method: 'secret',
          ...(token.seconds === undefined ? {} : { seconds: token.seconds }),
        },
        now(),
      );
    },
    browse: (url) => browse(server.visit(createRequest({ url }))),
    resetRequests: recorder.reset,
    close: async () => {
      await proxy.close();
      upstream?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
