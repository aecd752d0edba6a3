/** The person's configuration: `config.json`, and which of its entries applies to a registry. */

import { isAbsolute } from 'node:path';
import { CredentialError, describeCause } from './errors.ts';
import { readForeignFile } from './files.ts';
import { findConfigFile } from './folders.ts';
import { IDENTITY_NAMES, type IdentityName } from './identity/identity.ts';
import { asJsonObject, type JsonObject } from './json.ts';
import type { Machine } from './machine.ts';
import { findNearest } from './nearest.ts';
import { parseRegistry, type Registry } from './registry.ts';

/** What `get` answers with. */
export type SecretKind = (typeof SECRET_KINDS)[number];
export const SECRET_KINDS = ['refresh-token', 'access-token', 'identity-token'] as const;

export const ON_ERROR_CHOICES = ['fail', 'anonymous'] as const;

/** What the configuration says of one registry. */
export interface RegistrySettings {
  readonly secret: SecretKind;
  /** What an access token may be used for, such as `repository:team/app:pull`; empty unless `secret` is `access-token`. */
  readonly scope: readonly string[];
  /** Signs in at this tenant instead of the identity's own. */
  readonly tenantId: string | undefined;
  /** The only identity to use. */
  readonly identity: IdentityName | undefined;
  /** The registry lets everybody pull: never sign in for it. */
  readonly anonymous: boolean;
  /** What a failed sign-in becomes. */
  readonly onError: (typeof ON_ERROR_CHOICES)[number];
}

export const DEFAULT_SETTINGS: RegistrySettings = {
  secret: 'refresh-token',
  scope: [],
  tenantId: undefined,
  identity: undefined,
  anonymous: false,
  onError: 'fail',
};

export const CONFIG_KEYS = ['$schema', 'registries'] as const;
export const REGISTRY_KEYS = ['secret', 'scope', 'tenantId', 'identity', 'anonymous', 'onError'] as const;

const LARGEST_CONFIG_BYTES = 1024 * 1024;
const TENANT = /^[0-9a-zA-Z.-]+$/;
/** @see https://distribution.github.io/distribution/spec/auth/scope/ */
const SCOPE = /^[a-z-]+:[A-Za-z0-9._/*-]+:[a-z_*]+(?:,[a-z_*]+)*$/;

/**
 * What the configuration says of a registry: its exact entry, else that of the longest pattern that matches it, else
 * the defaults. Only that entry is judged, so that a mistake in it breaks no other registry.
 *
 * @throws CONFIG_INVALID naming the file, the key and the nearest right key.
 */
export async function loadSettings(machine: Machine, registry: Registry): Promise<RegistrySettings> {
  const found = await findConfigFile(machine);
  if (found === undefined) return DEFAULT_SETTINGS;
  const { file, isExplicit } = found;
  if (!isAbsolute(file)) {
    throw invalid(file, 'DOCKER_CREDENTIAL_ACR_CONFIG is not an absolute path', 'name the file from the root on');
  }
  let text: string | undefined;
  try {
    text = readForeignFile(file, LARGEST_CONFIG_BYTES);
  } catch (cause) {
    throw invalid(file, describeCause(cause));
  }
  if (text === undefined) {
    if (isExplicit)
      throw invalid(file, 'there is no such file', 'unset DOCKER_CREDENTIAL_ACR_CONFIG or write the file');
    return DEFAULT_SETTINGS;
  }
  return readSettings(text, file, registry);
}

/**
 * As `loadSettings`, of a text.
 * @throws CONFIG_INVALID
 */
export function readSettings(text: string, file: string, registry: Registry): RegistrySettings {
  const config = parseConfig(text, file);
  rejectUnknownKeys(config, CONFIG_KEYS, file, undefined);
  const { registries } = config;
  if (registries === undefined) return DEFAULT_SETTINGS;
  const entries = asJsonObject(registries);
  if (entries === undefined) throw invalid(file, '"registries" must be an object');
  const pattern = findPattern(Object.keys(entries), registry, file);
  return pattern === undefined ? DEFAULT_SETTINGS : parseSettings(entries[pattern], pattern, file);
}

function parseConfig(text: string, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The engine's message quotes the text, which may hold what nobody should see: only the place is taken from it.
    const place = /line \d+ column \d+|position \d+/.exec(describeCause(cause))?.[0];
    throw invalid(file, place === undefined ? 'it is not JSON' : `it is not JSON at ${place}`);
  }
  const config = asJsonObject(value);
  if (config === undefined) throw invalid(file, 'it must hold a JSON object');
  return config;
}

/** Picks the entry for a registry: the host asked for, its global name, then the pattern with the most characters. */
function findPattern(patterns: readonly string[], registry: Registry, file: string): string | undefined {
  let best: { pattern: string; rank: number } | undefined;
  for (const pattern of patterns) {
    const rank = rankPattern(pattern, registry, file);
    if (rank !== undefined && (best === undefined || rank > best.rank)) best = { pattern, rank };
  }
  return best?.pattern;
}

/** @returns how exactly the pattern names the registry, `undefined` when it does not. */
function rankPattern(pattern: string, { host, service }: Registry, file: string): number | undefined {
  if (!pattern.includes('*')) {
    const named = parseRegistry(pattern.trim())?.host;
    if (named === undefined && pattern.toLowerCase().includes(service.slice(0, service.indexOf('.')))) {
      throw invalid(file, `"registries" has "${pattern}", which is no registry`, `write "${service}"`);
    }
    if (named === host) return Number.POSITIVE_INFINITY;
    return named === service ? Number.MAX_VALUE : undefined;
  }
  if (!/^[a-z0-9.*-]+$/i.test(pattern)) {
    throw invalid(file, `"registries" has "${pattern}", which is no pattern`, 'write it as "*.azurecr.io"');
  }
  const literals = pattern.toLowerCase().split('*');
  const matches = matchesLiterals(literals, host) || matchesLiterals(literals, service);
  return matches ? pattern.length - (literals.length - 1) : undefined;
}

/** Whether a name is made of these literals in this order, with anything in between. Never slow, whatever the pattern. */
function matchesLiterals(literals: readonly string[], name: string): boolean {
  const first = literals[0] ?? '';
  const last = literals.at(-1) ?? '';
  if (!name.startsWith(first)) return false;
  let position = first.length;
  for (const literal of literals.slice(1, -1)) {
    const found = name.indexOf(literal, position);
    if (found < 0) return false;
    position = found + literal.length;
  }
  return name.length - last.length >= position && name.endsWith(last);
}

function parseSettings(value: unknown, pattern: string, file: string): RegistrySettings {
  const entry = asJsonObject(value);
  const where = `"registries"."${pattern}"`;
  if (entry === undefined) throw invalid(file, `${where} must be an object`);
  rejectUnknownKeys(entry, REGISTRY_KEYS, file, where);
  const reader = new SettingsReader(entry, where, file);
  const secret = reader.choice('secret', SECRET_KINDS) ?? DEFAULT_SETTINGS.secret;
  const scope = reader.scope();
  if (secret === 'access-token' && scope.length === 0) {
    throw invalid(file, `${where} has no "scope"`, 'add "scope": "repository:NAME:pull"');
  }
  if (secret !== 'access-token' && scope.length > 0) {
    throw invalid(file, `${where} has a "scope" that nothing uses`, 'add "secret": "access-token"');
  }
  return {
    secret,
    scope,
    tenantId: reader.tenantId(),
    identity: reader.choice('identity', IDENTITY_NAMES),
    anonymous: reader.flag('anonymous') ?? DEFAULT_SETTINGS.anonymous,
    onError: reader.choice('onError', ON_ERROR_CHOICES) ?? DEFAULT_SETTINGS.onError,
  };
}

/** Takes the values of one entry, each with the error that names its key. */
class SettingsReader {
  readonly #entry: JsonObject;
  readonly #where: string;
  readonly #file: string;

  constructor(entry: JsonObject, where: string, file: string) {
    this.#entry = entry;
    this.#where = where;
    this.#file = file;
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.#entry[key];
    if (value === undefined) return undefined;
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    const nearest = typeof value === 'string' ? findNearest(value, choices) : undefined;
    throw this.#wrong(key, `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`, nearest);
  }

  flag(key: string): boolean | undefined {
    const value = this.#entry[key];
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.#wrong(key, 'true or false');
  }

  tenantId(): string | undefined {
    const value = this.#entry['tenantId'];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && TENANT.test(value)) return value;
    throw this.#wrong('tenantId', 'the id or the domain of a tenant');
  }

  scope(): readonly string[] {
    const value = this.#entry['scope'];
    if (value === undefined) return [];
    const scopes: unknown[] = Array.isArray(value) ? value : [value];
    const texts = scopes.flatMap((scope) => (typeof scope === 'string' ? scope.split(' ') : [undefined]));
    const valid = texts.filter((scope) => scope !== undefined && SCOPE.test(scope));
    if (valid.length === texts.length && valid.length > 0)
      return [...new Set(valid)].filter((text) => text !== undefined);
    throw this.#wrong('scope', 'a scope such as "repository:team/app:pull", or a list of them');
  }

  #wrong(key: string, right: string, nearest?: string): CredentialError {
    const hint = nearest === undefined ? undefined : `write "${key}": "${nearest}"`;
    return invalid(this.#file, `${this.#where}."${key}" must be ${right}`, hint);
  }
}

function rejectUnknownKeys(
  object: JsonObject,
  known: readonly string[],
  file: string,
  where: string | undefined,
): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const nearest = findNearest(unknown, known);
  const place = where === undefined ? '' : ` in ${where}`;
  throw invalid(
    file,
    `unknown key "${unknown}"${place}`,
    nearest === undefined ? `the keys are ${known.join(', ')}` : `did you mean "${nearest}"?`,
  );
}

function invalid(file: string, what: string, hint = 'correct the file, or move it away'): CredentialError {
  return new CredentialError('CONFIG_INVALID', `Cannot use ${file}: ${what}`, { hint });
}
