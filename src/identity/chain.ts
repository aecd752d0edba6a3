/** Searches this machine for identities, in the order in which they are tried. */

import { isNotSetUp } from '../not-set-up.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';
import { readAllowedSources } from './allowed-sources.ts';
import type { ConfiguredSource, Identity } from './identity.ts';

/** The registry to sign in to, and what restricts the search. */
export interface SearchRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  /** The tenant to sign in to instead of the identity's own. */
  readonly tenantId: string | undefined;
  /** The only source that the configuration allows; `undefined` for those of `AZURE_TOKEN_CREDENTIALS`. */
  readonly chosen: ConfiguredSource | undefined;
}

/** A source that is not set up. */
export interface SkippedSource {
  readonly source: string;
  /** What is missing, for the user. */
  readonly reason: string;
}

/**
 * Searches without using the network or starting a program. The search is lazy: once an identity works, an invalid
 * source further down the list does no harm. Sources that can be found only over the network come last.
 *
 * @throws IDENTITY_INVALID when `AZURE_TOKEN_CREDENTIALS` is invalid, or a source is set up in a way that cannot work.
 */
export function* searchIdentities({
  chosen,
  ...request
}: SearchRequest): Generator<Identity | SkippedSource, void, undefined> {
  const { sources, isChosen } =
    chosen === undefined
      ? readAllowedSources(request.runtime)
      : { sources: [{ configure: () => chosen }], isChosen: true };
  for (const name of ['find', 'findLast'] as const) {
    for (const { configure } of sources) {
      const source = configure();
      const found = source[name]?.({ ...request, isChosen });
      if (found === undefined) continue;
      yield isNotSetUp(found) ? { source: source.source, reason: found.notSetUp } : found;
    }
  }
}

/** Whether the source is not set up. */
export function isSkipped(found: Identity | SkippedSource): found is SkippedSource {
  return 'reason' in found;
}
