/** Requests for an identity, as tests make them. */
import type { Identity, IdentityParameters, IdentityRequest, NotSetUp } from '../../../src/identity/identity.ts';
import { isNotSetUp } from '../../../src/identity/identity.ts';
import { registryNamed } from '../registry-named.ts';
import { makeRuntime } from '../runtime.ts';

export function requestFor(
  env: Readonly<Record<string, string>>,
  parameters: IdentityParameters = {},
  serverUrl = 'myregistry.azurecr.io',
): IdentityRequest {
  return { runtime: makeRuntime(env), registry: registryNamed(serverUrl), parameters, isChosen: false };
}

/** @throws when the source is not set up. */
export function expectIdentity(found: Identity | NotSetUp): Identity {
  if (isNotSetUp(found)) throw new Error(`not set up: ${found.notSetUp}`);
  return found;
}
