/** Reads the settings of one registry from the configuration. */

import { choice, type Fields, flag, texts, type Values, wholeNumber } from '../field.ts';
import { COMMON_FIELDS } from '../identity/identity.ts';
import { type ChosenIdentity, parseChosenIdentity } from './identity-settings.ts';
import type { ObjectReader } from './object-reader.ts';

/** The values of `"secret"`: what `get` returns. */
export const SECRET_KINDS = ['refresh-token', 'access-token', 'identity-token'] as const;
/** The values of `"onError"`: what happens when a sign-in fails. */
export const ON_ERROR_CHOICES = ['fail', 'anonymous'] as const;

/** The settings of a registry, with defaults for what the configuration leaves out. */
export interface RegistrySettings {
  readonly secret: (typeof SECRET_KINDS)[number];
  /** The scopes of an access token, such as `repository:team/app:pull`; empty unless `secret` is `access-token`. */
  readonly scope: readonly string[];
  /** The tenant to sign in to, by id or domain, instead of the identity's own. */
  readonly tenantId: string | undefined;
  /** The only identity to use. */
  readonly identity: ChosenIdentity | undefined;
  /** Whether the registry allows anonymous pulls, so that the program never signs in for it. */
  readonly anonymous: boolean;
  /** What happens when a sign-in fails: an error, or an anonymous pull. */
  readonly onError: (typeof ON_ERROR_CHOICES)[number];
  /** Whether a credential that a client sends may be stored. */
  readonly store: boolean;
  /** A cached token with less life left is renewed before `get` returns it; 0 for the shortest possible time. */
  readonly minimumLifeSeconds: number;
  /** Whether the registry's tokens may be cached. */
  readonly cacheTokens: boolean;
  /** Whether the identity's Entra token may be cached for its other registries. */
  readonly cacheEntraTokens: boolean;
  /** Whether the registry gets a token only if the configuration names it and its identity. */
  readonly isStrict: boolean;
  /** Whether an entry of the configuration applies to the registry. */
  readonly isNamed: boolean;
}

/** The settings of a registry without an entry in the configuration. */
export const DEFAULT_SETTINGS: RegistrySettings = {
  secret: 'refresh-token',
  scope: [],
  tenantId: undefined,
  identity: undefined,
  anonymous: false,
  onError: 'fail',
  store: true,
  minimumLifeSeconds: 0,
  cacheTokens: true,
  cacheEntraTokens: true,
  isStrict: false,
  isNamed: false,
};

const SCOPE_WORDS = 'a scope such as "repository:team/app:pull", or a list of them';

/** The fields of a registry's entry, except `identity`, which is a name or an object. */
export const REGISTRY_FIELDS = {
  secret: choice(
    SECRET_KINDS,
    'What `get` returns: a refresh token (default), a short-lived access token for a scope, or the refresh token as an identity token (user name <token>).',
  ),
  scope: texts(
    'The scope of the access token, or a list of scopes; only with "secret": "access-token".',
    SCOPE_WORDS,
    '\\S',
  ),
  tenantId: {
    ...COMMON_FIELDS.tenantId,
    description: "The tenant to sign in to, by id or domain, instead of the identity's own.",
  },
  anonymous: flag(
    'Whether the registry allows anonymous pulls, so that the program never signs in for it; false by default.',
  ),
  onError: choice(
    ON_ERROR_CHOICES,
    'What happens when a sign-in fails: an error (default), or the client goes on anonymously.',
  ),
  store: flag(
    "Whether a credential that a client sends (docker login, az acr login) may be stored; true by default. For a registry that is not Azure's this is the only key, under its host:port.",
  ),
  // No token lives longer than 180 minutes, and the rest of its life must be long enough for a pull.
  minimumLifeMinutes: wholeNumber(
    5,
    150,
    "A cached token with less life left than this is renewed before `get` returns it, for clients that keep a token for a long time; at most five sixths of the token's own life.",
  ),
} satisfies Fields;

/** The keys of a registry's entry. */
export const REGISTRY_KEYS = ['identity', ...Object.keys(REGISTRY_FIELDS)];

/**
 * Reads a registry's entry.
 * @param config the whole file, for the identity that the entry may name.
 * @throws CONFIG_INVALID
 */
export function parseSettings(entry: ObjectReader, config: ObjectReader): RegistrySettings {
  entry.allow(REGISTRY_KEYS);
  const values = entry.read(REGISTRY_FIELDS);
  const { secret = DEFAULT_SETTINGS.secret, minimumLifeMinutes } = values;
  const scope = parseScope(values, entry);
  if (secret === 'access-token' && scope.length === 0) {
    throw entry.invalid(`${entry.path} has no "scope"`, 'add "scope": "repository:NAME:pull"');
  }
  if (secret !== 'access-token' && scope.length > 0) {
    throw entry.invalid(`${entry.path} has a "scope" without "secret": "access-token"`, 'add "secret": "access-token"');
  }
  return {
    ...DEFAULT_SETTINGS,
    secret,
    scope,
    tenantId: values.tenantId,
    identity: parseChosenIdentity(entry, config),
    anonymous: values.anonymous ?? DEFAULT_SETTINGS.anonymous,
    onError: values.onError ?? DEFAULT_SETTINGS.onError,
    store: values.store ?? DEFAULT_SETTINGS.store,
    minimumLifeSeconds:
      minimumLifeMinutes === undefined ? DEFAULT_SETTINGS.minimumLifeSeconds : minimumLifeMinutes * 60,
  };
}

function parseScope({ scope = [] }: Values<typeof REGISTRY_FIELDS>, entry: ObjectReader): readonly string[] {
  const scopes = parseScopes([scope].flat());
  if (scopes !== undefined) return scopes;
  throw entry.wrong('scope', { words: SCOPE_WORDS });
}

/**
 * Parses a list of scopes. As in a token request, one text may contain several scopes.
 * @returns each scope once; `undefined` when one is not a scope.
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
export function parseScopes(texts: readonly string[]): readonly string[] | undefined {
  const pattern = /^[a-z-]+:[A-Za-z0-9._/*-]+:[a-z_*]+(?:,[a-z_*]+)*$/;
  const scopes = [...new Set(texts.flatMap((text) => text.trim().split(/ +/)))];
  return scopes.every((one) => pattern.test(one)) ? scopes : undefined;
}
