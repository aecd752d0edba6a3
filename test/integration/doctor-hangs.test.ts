/** `doctor` where something on the way never answers: it tells that, and goes on with the rest. */

import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readClockMs } from '../../src/system/clock.ts';
import { TENANT_ID } from '../emulator/emulator.ts';
import { DoctorMachine, type Seen } from './diagnosis.ts';
import { openWorld, REGISTRY } from './world.ts';

const BUDGET_MS = 4_000;
/** The budget, the last words of the checks, and a slow machine. */
const MAX_MS = 9_000;
const NEVER = new Promise<never>(() => {});

const world = await openWorld();
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** A proxy that accepts connections and says nothing. */
async function startSilentProxy(): Promise<string> {
  const server = createServer((socket) => void socket.on('error', () => socket.destroy()).unref());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

test('a resolver, a proxy, a keychain, az, the registry or Entra that hangs does not hang it', async () => {
  const machine = new DoctorMachine(world);
  machine.install('docker-credential-pass', 'exec /bin/sleep 60');
  machine.install('docker-credential-secretservice', 'exec /bin/sleep 60');
  machine.install('az', 'exec /bin/sleep 60');
  const account = {
    ...{ id: TENANT_ID, name: 'x', tenantId: TENANT_ID, isDefault: true, state: 'Enabled' },
    user: { name: 'somebody@contoso.com', type: 'user' },
  };
  machine.write(join(machine.home, '.azure', 'azureProfile.json'), { subscriptions: [account] });
  const noSecret = { AZURE_CLIENT_SECRET: undefined };
  const direct = { NO_PROXY: '*', no_proxy: '*' };
  const proxy = await startSilentProxy();
  world.emulator.inject({ host: 'slowregistry.azurecr.io', delayMs: 60_000 });
  world.emulator.inject({ host: 'login.microsoftonline.com', delayMs: 60_000, times: 1 });

  const startedMs = readClockMs();
  const options = { budgetMs: BUDGET_MS };
  const [dns, silent, slow, tool, entra] = await Promise.all([
    machine.diagnose({ ...options, variables: direct, lookUp: () => NEVER }),
    machine.diagnose({ ...options, variables: { HTTPS_PROXY: proxy, https_proxy: proxy } }),
    machine.diagnose({ ...options, variables: noSecret, target: 'slowregistry.azurecr.io' }),
    machine.diagnose({ ...options, variables: noSecret }),
    machine.diagnose({ ...options }),
  ]);
  expect(readClockMs() - startedMs).toBeLessThan(MAX_MS);

  expect(dns.find('network')).toMatchObject({
    status: 'problem',
    what: `no DNS server answers, so ${REGISTRY} cannot be found`,
    code: 'CONNECTIVITY_DNS_ERROR',
  });
  expect(silent.find('network', 'problem')?.what).toMatch(/did not respond in time|not done after/);
  expect(slow.find('network', 'problem')?.what).toMatch(/slowregistry\.azurecr\.io did not respond in time/);
  expect(tool.find('token', 'problem')?.what).toMatch(/^azure-cli: az did not finish within 1 s$/);
  expect(tool.find('challenge')?.status).toBe('ok');
  expect(entra.find('token', 'problem')?.what).toMatch(/did not respond in time$/);
  const all: readonly Seen[] = [dns, silent, slow, tool, entra];
  for (const { find } of all) {
    expect(find('executable')?.status).toBe('ok');
    expect(find('client-configuration')).toBeDefined();
    // The real patience with a keychain is as long as this budget.
    expect(find('keychain', 'note') ?? find('keychain', 'problem')).toBeDefined();
  }
}, 20_000);

test('leaves nothing behind that it wrote', () => {
  expect(readdirSync(world.folder).filter((name) => name === 'cache')).toEqual([]);
});
