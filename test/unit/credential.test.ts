/** A credential with an identity that a caller brings. */
import { describe, expect, test } from 'vitest';
import type { ChosenIdentity } from '../../src/config/identity-settings.ts';
import { findCredential } from '../../src/credential.ts';
import { catchFailure } from './failure.ts';
import { makeRuntime } from './runtime.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const folder = useTemporaryFolder();
const runtime = () => makeRuntime({ HOME: folder.path() });

describe('an identity of the caller that is not set up', () => {
  const identity: ChosenIdentity = {
    ...{ name: '/etc/kubernetes/azure.json', source: 'managed-identity', parameters: {} },
    ...{ tenantId: undefined, audience: undefined, findLast: undefined },
    find: () => ({ notSetUp: 'there is no metadata service' }),
  };

  test.each([{ identity }, { otherIdentity: identity }])('is not said to be in the configuration', async (wanted) => {
    const failure = await catchFailure(() => findCredential(runtime(), 'myregistry.azurecr.io', undefined, wanted));
    expect(failure.code).toBe('IDENTITY_NOT_SET_UP');
    expect(failure.message).toBe(
      'Cannot sign in for myregistry.azurecr.io with /etc/kubernetes/azure.json: there is no metadata service',
    );
    expect(failure.hint).toBe('set up /etc/kubernetes/azure.json');
  });
});

test('a server that is nobody’s is told apart from a registry without a credential', async () => {
  expect(await findCredential(runtime(), 'docker.io', undefined)).toMatchObject({ isForeign: true });
});
