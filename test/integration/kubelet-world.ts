/** A kubelet on the emulated machine: it asks the plug-in, and reads the response as strictly as a real one. */

import { expect } from 'vitest';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../src/json.ts';
import type { Outcome } from '../../src/outcome.ts';
import type { World } from './world.ts';

export const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
/** The response without a credential. */
export const NOTHING = {
  kind: 'CredentialProviderResponse',
  apiVersion: VERSION,
  cacheKeyType: 'Registry',
  cacheDuration: '0s',
};

/** What a kubelet asks for besides the image. */
export interface Question {
  /** The service account of the pod, as a part of the request. */
  readonly account?: JsonObject | undefined;
  readonly args?: readonly string[];
  readonly variables?: Record<string, string | undefined>;
}

/** The response, and the password that the kubelet tries first. */
export interface KubeletAnswer {
  readonly response: JsonObject;
  readonly patterns: readonly string[];
  readonly password: string;
  /** How long the kubelet keeps the response; `undefined` for as long as its configuration says. */
  readonly keptSeconds: number | undefined;
}

/** Expects a duration, after which a slow machine may be a little late. */
export function expectAbout(seconds: number | undefined, wanted: number): void {
  expect(seconds).toBeLessThanOrEqual(wanted);
  expect(seconds).toBeGreaterThan(wanted - 30);
}

/** Writes a request. */
export function formatRequest(image: string, account: JsonObject = {}): string {
  return JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion: VERSION, image, ...account });
}

/** A kubelet of a machine. */
export class Kubelet {
  readonly #world: World;
  /** The environment of every call. */
  readonly #variables: Record<string, string | undefined>;

  constructor(world: World, variables: Record<string, string | undefined> = {}) {
    this.#world = world;
    this.#variables = variables;
  }

  /** Runs the plug-in once. */
  ask(image: string, { account, args = [], variables = {} }: Question = {}): Promise<Outcome> {
    const all = { ...this.#variables, ...variables };
    return this.#world.run(['kubelet', ...args], formatRequest(image, account), all);
  }

  /** Expects a response. */
  async answer(image: string, question: Question = {}): Promise<KubeletAnswer> {
    const { exitCode, stdout, stderr } = await this.ask(image, question);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^\{[^\n]+\}\n$/);
    const response = parseJsonObject(stdout) ?? {};
    const auth = asJsonObject(response['auth']) ?? {};
    const patterns = Object.keys(auth).toSorted().toReversed();
    const password = asText(asJsonObject(auth[patterns[0] ?? ''])?.['password']) ?? '';
    const duration = asText(response['cacheDuration']);
    const keptSeconds = duration === undefined ? undefined : Number(/^(\d+)s$/.exec(duration)?.[1]);
    return { response, patterns, password, keptSeconds };
  }

  /** Expects a failure: nothing on stdout, and one line that says what to do. @returns the line. */
  async fail(image: string, question: Question = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.ask(image, question);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^docker-credential-acr: error: Cannot [^\n]+; hint: [^\n]+\n$/);
    return stderr.trimEnd();
  }
}
