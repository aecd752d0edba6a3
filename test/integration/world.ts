/** An emulated Azure and a machine that runs the program in process; everything it writes is searched for secrets. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { run } from '../../src/cli.ts';
import { parseJsonObject } from '../../src/json.ts';
import type { Outcome } from '../../src/outcome.ts';
import { type Ci, GITHUB_ISSUER, GITHUB_SUBJECT, PIPELINES_ISSUER, PIPELINES_SUBJECT } from '../emulator/ci.ts';
import { CLIENT_ID, CLIENT_SECRET, type Emulator, startEmulator, TENANT_ID } from '../emulator/emulator.ts';
import { type Application, findTenant } from '../emulator/state.ts';
import { makeStreams } from '../unit/streams.ts';

export const REGISTRY = 'myregistry.azurecr.io';
export const NOT_FOUND = 'credentials not found in native keychain\n';
export const NULL_GUID = '00000000-0000-0000-0000-000000000000';

/** The requests of a sign-in, as `seen` lists them. */
export const ENTRA = `POST login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`;
export const EXCHANGE = `POST ${REGISTRY}/oauth2/exchange`;
export const TOKEN = `POST ${REGISTRY}/oauth2/token`;

export const CLIENT_SECRET_VARIABLES = {
  AZURE_TENANT_ID: TENANT_ID,
  AZURE_CLIENT_ID: CLIENT_ID,
  AZURE_CLIENT_SECRET: CLIENT_SECRET,
};

export interface Answer {
  readonly ServerURL: string;
  readonly Username: string;
  readonly Secret: string;
}

export class World {
  readonly emulator: Emulator;
  /** The application that every sign-in uses. */
  readonly application: Application;
  readonly folder: string;
  readonly cacheFolder: string;
  readonly dataFolder: string;
  readonly logFile: string;
  readonly variables: Record<string, string | undefined>;
  /** Seconds that both the machine and Azure are ahead of the real time. */
  aheadSeconds = 0;
  /** The registries for which a background renewal was requested; nothing here starts one. */
  readonly renewals: string[] = [];
  /** The processes of this program that were to be started; nothing here starts one. */
  readonly started: { readonly args: readonly string[]; readonly input: string }[] = [];
  #written = '';

  static async start(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'acr-integration-'));
    let world: World | undefined;
    const emulator = await startEmulator({ now: () => Math.floor(Date.now() / 1000) + (world?.aheadSeconds ?? 0) });
    world = new World(emulator, folder);
    return world;
  }

  private constructor(emulator: Emulator, folder: string) {
    const application = findTenant(emulator.state, TENANT_ID)?.applications.get(CLIENT_ID);
    if (application === undefined) throw new Error('the emulator has an application');
    this.emulator = emulator;
    this.application = application;
    this.folder = folder;
    this.cacheFolder = join(folder, 'cache');
    this.dataFolder = join(folder, 'data');
    this.logFile = join(folder, 'log.jsonl');
    this.variables = {
      ...emulator.environment(),
      SSL_CERT_FILE: undefined, // NODE_EXTRA_CA_CERTS is enough, and faster
      PATH: process.env['PATH'],
      HOME: folder,
      // Nothing listens there: the metadata service of a real machine is not asked.
      AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: this.cacheFolder,
      DOCKER_CREDENTIAL_ACR_DATA_DIR: this.dataFolder,
      DOCKER_CREDENTIAL_ACR_LOG: this.logFile,
      DOCKER_CREDENTIAL_ACR_CONFIG: this.writeConfig({}),
    };
  }

  /** Runs the program once. */
  async run(
    verb: string | readonly string[],
    input: string,
    variables: Record<string, string | undefined> = {},
  ): Promise<Outcome> {
    const outcome = await run([verb].flat(), makeStreams(input), {
      env: { ...this.variables, ...variables },
      platform: process.platform,
      programName: 'docker-credential-acr',
      now: () => Date.now() + this.aheadSeconds * 1000,
      secrets: new Set(),
      secretVariables: new Set(),
      startRenewal: async (host) => {
        this.renewals.push(host);
        return true;
      },
      startSelf: async (args, given) => {
        this.started.push({ args, input: given });
        return true;
      },
    });
    // A successful `get` or `kubelet` prints a secret on purpose; nothing else may hold one.
    const isAnswer = ['get', 'kubelet'].includes([verb].flat()[0] ?? '') && outcome.exitCode === 0;
    this.#written += `${outcome.stderr}\n${isAnswer ? '' : outcome.stdout}\n`;
    expect([0, 1]).toContain(outcome.exitCode);
    // The only line allowed with a success: the warning that a secret is kept in clear text.
    const allowed = verb === 'store' ? /^(docker-credential-acr: warning: [^\n]+\n)?$/ : /^$/;
    if (outcome.exitCode === 0) expect(outcome.stderr).toMatch(allowed);
    return outcome;
  }

  /** Runs `get` signed in with the client secret, and expects an answer. */
  async get(serverUrl = REGISTRY, variables: Record<string, string | undefined> = {}): Promise<Answer> {
    const { exitCode, stdout, stderr } = await this.run('get', serverUrl, { ...CLIENT_SECRET_VARIABLES, ...variables });
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    return parseAnswer(stdout);
  }

  /** Runs `get` like {@link get} and expects a failure: one line on stdout, the causes on stderr. */
  async fail(serverUrl = REGISTRY, variables: Record<string, string | undefined> = {}): Promise<Outcome> {
    const outcome = await this.run('get', serverUrl, { ...CLIENT_SECRET_VARIABLES, ...variables });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toMatch(/^[^\n`]+\n$/);
    expect(outcome.stdout).not.toBe(NOT_FOUND);
    expect(outcome.stderr).toMatch(/^docker-credential-acr: error: Cannot [^\n]+\n(cause: [^\n]+\n)*(hint: [^\n]+\n)$/);
    return outcome;
  }

  /** Lets the jobs of the emulated CI systems sign in as the application. */
  trustJobs(ci: Ci): void {
    ci.trust(this.application, GITHUB_ISSUER, GITHUB_SUBJECT);
    ci.trust(this.application, PIPELINES_ISSUER, PIPELINES_SUBJECT);
  }

  writeConfig(config: unknown): string {
    const file = join(this.folder, 'config.json');
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
    return file;
  }

  configure(registries: Record<string, unknown>): void {
    this.writeConfig({ registries });
  }

  /** The requests so far, as `METHOD host/path`. */
  seen(): string[] {
    return this.emulator.requests.map(({ method, host, path }) => `${method} ${host}${path}`);
  }

  /** Expects no request; connections to the registry and to Entra may be opened in advance. */
  expectNothingSent(): void {
    expect(this.seen()).toEqual([]);
    const ahead = [`${REGISTRY}:443`, 'login.microsoftonline.com:443'];
    expect(this.emulator.connects.filter((target) => !ahead.includes(target))).toEqual([]);
  }

  forgetRequests(): void {
    this.emulator.resetRequests();
  }

  forgetTokens(): void {
    rmSync(this.cacheFolder, { recursive: true, force: true });
  }

  /** Restores the initial state, except for what a test changed in Azure. */
  reset(): void {
    this.aheadSeconds = 0;
    this.renewals.length = 0;
    this.started.length = 0;
    this.forgetTokens();
    this.forgetRequests();
    this.configure({});
  }

  /** Fails the test when a secret or a token got into an error, a hint or the log. */
  expectNoLeak(): void {
    let text = this.#written;
    for (const name of readdirSync(this.folder)) {
      if (name.startsWith('log.jsonl')) text += readFileSync(join(this.folder, name), 'utf8');
    }
    for (const secret of this.emulator.secrets) {
      for (const form of encode(secret)) expect(text.includes(form), `a secret in ${form.slice(0, 6)}…`).toBe(false);
    }
  }

  async stop(): Promise<void> {
    await this.emulator.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts the world of a test file, clean before each test and searched for secrets after it. */
export async function openWorld(): Promise<World> {
  const world = await World.start();
  beforeEach(() => world.reset());
  afterEach(() => world.expectNoLeak());
  afterAll(() => world.stop());
  return world;
}

export function parseAnswer(stdout: string): Answer {
  expect(stdout.endsWith('\n')).toBe(true);
  const answer = parseJsonObject(stdout) ?? {};
  expect(Object.keys(answer)).toEqual(['ServerURL', 'Username', 'Secret']);
  const { ServerURL, Username, Secret } = answer;
  if (typeof ServerURL !== 'string' || typeof Username !== 'string' || typeof Secret !== 'string') {
    throw new Error('an answer holds three texts');
  }
  return { ServerURL, Username, Secret };
}

/** The claims of a token of the emulator. */
export function readClaims(token: string): Readonly<Record<string, unknown>> {
  return parseJsonObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) ?? {};
}

/** The forms in which a careless program may write a secret, and the parts of a token. */
function encode(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const parts = secret.startsWith('eyJ') ? secret.split('.').filter(({ length }) => length > 20) : [];
  const decoded = parts.slice(1, 2).map((part) => Buffer.from(part, 'base64url').toString('utf8'));
  const form = new URLSearchParams({ s: secret }).toString().slice(2);
  return [
    secret,
    ...parts,
    ...decoded,
    encodeURIComponent(secret),
    form,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}
