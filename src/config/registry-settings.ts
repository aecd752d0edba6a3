/** What the configuration says of one registry. */

import { choice, type Fields, flag, texts, type Values, wholeNumber } from '../field.ts';
import { COMMON_FIELDS } from '../identity/identity.ts';
import { type ChosenIdentity, parseChosenIdentity } from './identity-settings.ts';
import type { ObjectReader } from './object-reader.ts';

/** What `get` answers with. */
export const SECRET_KINDS = ['refresh-token', 'access-token', 'identity-token'] as const;
export const ON_ERROR_CHOICES = ['fail', 'anonymous'] as const;

export interface RegistrySettings {
  readonly secret: (typeof SECRET_KINDS)[number];
  /** What an access token may be used for, such as `repository:team/app:pull`; empty unless `secret` is `access-token`. */
  readonly scope: readonly string[];
  /** Signs in at this tenant instead of the identity's own. */
  readonly tenantId: string | undefined;
  /** The only identity to use. */
  readonly identity: ChosenIdentity | undefined;
  /** The registry lets everybody pull: never sign in for it. */
  readonly anonymous: boolean;
  /** What a failed sign-in becomes. */
  readonly onError: (typeof ON_ERROR_CHOICES)[number];
  /** Whether a credential that a client gives us may be kept. */
  readonly store: boolean;
  /** A cached token with less life left is renewed before it is answered with; 0 for as little as possible. */
  readonly minimumLifeSeconds: number;
  /** Whether what Entra gave for an identity may be kept for its other registries. */
  readonly cacheEntraTokens: boolean;
}

export const DEFAULT_SETTINGS: RegistrySettings = {
  secret: 'refresh-token',
  scope: [],
  tenantId: undefined,
  identity: undefined,
  anonymous: false,
  onError: 'fail',
  store: true,
  minimumLifeSeconds: 0,
  cacheEntraTokens: true,
};

const SCOPE_WORDS = 'a scope such as "repository:team/app:pull", or a list of them';

/** `identity` stands beside them: it is a name or an object. */
export const REGISTRY_FIELDS = {
  secret: choice(
    SECRET_KINDS,
    'What `get` answers with: a refresh token (default), a short-lived access token for a scope, or the refresh token as an identity token (user name <token>).',
  ),
  scope: texts('What an access token may be used for; only with "secret": "access-token".', SCOPE_WORDS, '\\S'),
  tenantId: {
    ...COMMON_FIELDS.tenantId,
    description: "Signs in at this tenant, by id or domain, instead of the identity's own.",
  },
  anonymous: flag('The registry lets everybody pull: never sign in for it.'),
  onError: choice(ON_ERROR_CHOICES, 'What a failed sign-in becomes: an error (default), or going on anonymously.'),
  store: flag(
    "Whether a credential that a client brings (docker login, az acr login) may be kept; true by default. For a registry that is not Azure's this is the only key, under its host:port.",
  ),
  // No token lives longer than 180 minutes; what is left has to be enough for a pull.
  minimumLifeMinutes: wholeNumber(
    5,
    150,
    "A cached token with less life left than this is renewed before it is answered with, for clients that keep a token long; at most five sixths of the token's own life.",
  ),
} satisfies Fields;

export const REGISTRY_KEYS = ['identity', ...Object.keys(REGISTRY_FIELDS)];

/** @throws CONFIG_INVALID */
export function parseSettings(entry: ObjectReader, config: ObjectReader): RegistrySettings {
  entry.allow(REGISTRY_KEYS);
  const values = entry.read(REGISTRY_FIELDS);
  const { secret = DEFAULT_SETTINGS.secret, minimumLifeMinutes } = values;
  const scope = parseScope(values, entry);
  if (secret === 'access-token' && scope.length === 0) {
    throw entry.invalid(`${entry.path} has no "scope"`, 'add "scope": "repository:NAME:pull"');
  }
  if (secret !== 'access-token' && scope.length > 0) {
    throw entry.invalid(`${entry.path} has a "scope" that nothing uses`, 'add "secret": "access-token"');
  }
  return {
    secret,
    scope,
    tenantId: values.tenantId,
    identity: parseChosenIdentity(entry, config),
    anonymous: values.anonymous ?? DEFAULT_SETTINGS.anonymous,
    onError: values.onError ?? DEFAULT_SETTINGS.onError,
    store: values.store ?? DEFAULT_SETTINGS.store,
    minimumLifeSeconds:
      minimumLifeMinutes === undefined ? DEFAULT_SETTINGS.minimumLifeSeconds : minimumLifeMinutes * 60,
    cacheEntraTokens: DEFAULT_SETTINGS.cacheEntraTokens,
  };
}

/**
 * A list of scopes; one text may hold several, as in a token request.
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
function parseScope({ scope = [] }: Values<typeof REGISTRY_FIELDS>, entry: ObjectReader): readonly string[] {
  const pattern = /^[a-z-]+:[A-Za-z0-9._/*-]+:[a-z_*]+(?:,[a-z_*]+)*$/;
  const scopes = [...new Set([scope].flat().flatMap((text) => text.trim().split(/ +/)))];
  if (scopes.every((one) => pattern.test(one))) return scopes;
  throw entry.wrong('scope', { words: SCOPE_WORDS });
}
