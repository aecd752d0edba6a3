/** The route to the token proxy of a cluster: where it goes, and what its certificate authority may be. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { IdentityBinding } from '../../../src/kubelet/arguments.ts';
import { createBindingRoute, findDefaults } from '../../../src/kubelet/identity-binding.ts';
import type { DirectConnection } from '../../../src/network/direct-connections.ts';
import { createCertificateAuthority } from '../../emulator/certificates.ts';
import { catchFailure } from '../failure.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { answer, toolsAnswering } from '../token-context.ts';

const folder = useTemporaryFolder();
const { pem } = await createCertificateAuthority();

const bind = (changes: Partial<IdentityBinding> = {}): IdentityBinding => ({
  serverName: 'abc.ests.aks.example',
  apiServer: 'fd00::1',
  defaultClientId: undefined,
  defaultTenantId: undefined,
  certificateFile: folder.path('ca.crt'),
  ...changes,
});

/** Finds the route, and the connection that it opens. */
async function findRoute() {
  const opened: DirectConnection[] = [];
  const { context } = toolsAnswering(answer(200, {}));
  const openDirect = (direct: DirectConnection) => {
    opened.push(direct);
    return context.http;
  };
  const route = await createBindingRoute(bind()).find({ ...context, openDirect });
  return { route, opened };
}

describe('createBindingRoute', () => {
  test('connects to the address of the API server under the name of the proxy', async () => {
    writeFileSync(folder.path('ca.crt'), pem);
    const { route, opened } = await findRoute();
    expect(route.tokenEndpoint).toBe('https://abc.ests.aks.example/');
    expect(opened).toEqual([
      { certificates: pem, serverName: 'abc.ests.aks.example', address: { host: 'fd00::1', port: 443 } },
    ]);
  });

  test('waits while the cluster replaces the authority', async () => {
    writeFileSync(folder.path('ca.crt'), '');
    setTimeout(() => writeFileSync(folder.path('ca.crt'), pem), 100);
    expect((await findRoute()).opened[0]?.certificates).toBe(pem);
  });

  test('does not wait for long', async () => {
    writeFileSync(folder.path('ca.crt'), '');
    const startedMs = performance.now();
    const failure = await catchFailure(findRoute);
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(failure.message).toBe(`--ib-ca-file ${folder.path('ca.crt')} is empty`);
  });

  test('reports a missing authority', async () => {
    expect((await catchFailure(findRoute)).message).toContain('there is no such file');
  });
});

describe('findDefaults', () => {
  const node = { value: 'node-tenant', setting: 'azure.json' };
  test.each([
    [{}, undefined, undefined, undefined],
    [{}, node, undefined, node],
    [{ defaultClientId: 'c' }, node, { value: 'c', setting: '--ib-default-client-id' }, node],
    [{ defaultTenantId: 't' }, node, undefined, { value: 't', setting: '--ib-default-tenant-id' }],
  ])('of %j with the tenant of the node %j', (binding, nodeTenantId, clientId, tenantId) => {
    expect(findDefaults(bind(binding), nodeTenantId)).toEqual({ clientId, tenantId });
  });
});
