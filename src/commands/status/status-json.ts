/** The facts of `status` as JSON. The keys stay the same from version to version; new ones may be added. */

import { createQuote, type Quote } from '../../redact.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { NextIdentity, Status, TokenStatus } from './status.ts';
import { toIso } from './time.ts';

const MAX_PATH = 4096;

/** Makes the value for `--json`. A fact that there is none of is `null`. */
export function describeStatus(runtime: Runtime, status: Status): object {
  const quote = createQuote(runtime);
  const path = (text: string | undefined) => (text === undefined ? null : quote(text, MAX_PATH));
  const token = (one: TokenStatus) => describeToken(quote, runtime.now() / 1000, one);
  return {
    registries: status.registries.map(({ server, isRegistry, clients, entry, credential, identity, reason }) => ({
      server: quote(server),
      isRegistry,
      clients: clients.map(({ client, file, key }) => ({ client, file: path(file), key })),
      entry: clean(quote, entry),
      credential,
      identity: describeIdentity(quote, identity),
      reason: clean(quote, reason),
    })),
    tokens: status.tokens.map(token),
    storedTokens: status.storedTokens.map(token),
    entraTokens: status.entraTokens.map(token),
    logins: status.logins.map(({ server, username, storedIn }) => ({
      server: quote(server),
      username: quote(username),
      storedIn,
    })),
    accounts: status.accounts.map(({ username, tenant, registries, state, storedIn }) => ({
      username: quote(username),
      tenant: quote(tenant),
      registries: registries.map((registry) => quote(registry)),
      state,
      storedIn,
    })),
    identity: describeIdentity(quote, status.identity.identity),
    configuration: path(status.configFile),
    cache: { folder: path(status.cacheFolder), ignoredFiles: status.ignoredFiles },
    problems: listProblems(status).map((problem) => quote(problem, MAX_PATH)),
  };
}

/** What cannot be read, that of the configuration first. */
export function listProblems({ configProblem, problems }: Status): readonly string[] {
  return configProblem === undefined ? problems : [configProblem, ...problems];
}

function describeIdentity(quote: Quote, identity: NextIdentity | undefined): object | null {
  if (identity === undefined) return null;
  const { source, description, isCertain } = identity;
  return { source, description: quote(description), isCertain };
}

function describeToken(quote: Quote, nowSeconds: number, token: TokenStatus): object {
  const { registry, kind, scope, identity, who, tenant, savedAtSeconds, expiresAtSeconds, renewsAtSeconds } = token;
  return {
    registry: clean(quote, registry),
    kind: quote(kind),
    scope: clean(quote, scope),
    identity: quote(identity),
    who: clean(quote, who),
    tenant: clean(quote, tenant),
    savedAt: toIso(savedAtSeconds),
    expiresAt: toIso(expiresAtSeconds),
    isExpired: expiresAtSeconds <= nowSeconds,
    renewsAt: renewsAtSeconds === undefined ? null : toIso(renewsAtSeconds),
  };
}

function clean(quote: Quote, text: string | undefined): string | null {
  return text === undefined ? null : quote(text);
}
