/** Looks for the identities that this machine has, in the order to try them. */

import { isNotSetUp } from '../not-set-up.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';
import { type AllowedSources, readAllowedSources } from './allowed-sources.ts';
import type { ConfiguredSource, Identity } from './identity.ts';

export interface SearchRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  /** Signs in at this tenant instead of the identity's own. */
  readonly tenantId: string | undefined;
  /** The one source that the configuration allows; else `AZURE_TOKEN_CREDENTIALS` says which. */
  readonly chosen: ConfiguredSource | undefined;
}

/** A source that has no identity, and why. */
export interface SkippedSource {
  readonly source: string;
  readonly reason: string;
}

/**
 * Searches without network and without starting a program. Each source is looked at when it is asked for: one that works
 * is not disturbed by a later one that could not. What has to be waited for comes last.
 *
 * @throws IDENTITY_INVALID
 */
export function* searchIdentities({
  chosen,
  ...request
}: SearchRequest): Generator<Identity | SkippedSource, void, undefined> {
  const allowed: Omit<AllowedSources, 'sources'> & { readonly sources: readonly ConfiguredSource[] } =
    chosen === undefined ? configureAllowed(request.runtime) : { sources: [chosen], isChosen: true };
  const { sources, isChosen } = allowed;
  for (const name of ['find', 'findLast'] as const) {
    for (const source of sources) {
      const found = source[name]?.({ ...request, isChosen });
      if (found === undefined) continue;
      yield isNotSetUp(found) ? { source: source.source, reason: found.notSetUp } : found;
    }
  }
}

function configureAllowed(runtime: Runtime) {
  const { sources, isChosen } = readAllowedSources(runtime);
  return { sources: sources.map((source) => source.configure()), isChosen };
}

export function isSkipped(found: Identity | SkippedSource): found is SkippedSource {
  return 'reason' in found;
}
