/** What the identity tests ask a source for. */
import { ObjectReader } from '../../../src/config/object-reader.ts';
import type { Identity, IdentitySource, SourceRequest } from '../../../src/identity/identity.ts';
import type { JsonObject } from '../../../src/json.ts';
import { isNotSetUp, type NotSetUp } from '../../../src/not-set-up.ts';
import { registryNamed } from '../registry-named.ts';
import { makeRuntime } from '../runtime.ts';

export interface TestRequest extends SourceRequest {
  /** The identity of the configuration. */
  readonly parameters: JsonObject;
}

export function requestFor(
  env: Readonly<Record<string, string>>,
  parameters: JsonObject = {},
  serverUrl = 'myregistry.azurecr.io',
): TestRequest {
  return {
    ...{ runtime: makeRuntime(env), registry: registryNamed(serverUrl), parameters },
    ...{ tenantId: undefined, isChosen: false },
  };
}

/** Looks for the identity of one source, as the chain does. */
export function finderOf(source: IdentitySource): (request: TestRequest) => Identity | NotSetUp {
  return ({ parameters, ...request }) => configure(source, parameters).find(request);
}

/** Looks for the identity of one source after all others, as the chain does. */
export function lastFinderOf(source: IdentitySource): (request: TestRequest) => Identity | NotSetUp {
  return ({ parameters, ...request }) => {
    const { findLast } = configure(source, parameters);
    if (findLast === undefined) throw new Error(`${source.name} is looked for only once`);
    return findLast(request);
  };
}

function configure(source: IdentitySource, parameters: JsonObject) {
  const reader = new ObjectReader(parameters, [], '/config.json');
  return source.configure((fields) => reader.read(fields));
}

/** @throws when the source is not set up. */
export function expectIdentity(found: Identity | NotSetUp): Identity {
  if (isNotSetUp(found)) throw new Error(`not set up: ${found.notSetUp}`);
  return found;
}
