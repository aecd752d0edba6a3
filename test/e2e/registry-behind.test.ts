/** The emulator in front of the real docker-registry keeps the promises that its own tests check with one in memory. */
import { beforeEach } from 'vitest';
import { describeRegistryBehind } from '../emulator/registry-behind.ts';
import { needParts, partOf } from './world/parts.ts';
import { startRegistryServer } from './world/registry-server.ts';
import { createTemporaryFolder } from './world/temporary-folder.ts';

beforeEach((context) => needParts(context, 'docker-registry'));

describeRegistryBehind('the real docker-registry', async () => {
  const folder = createTemporaryFolder('docker-registry-');
  const registry = await startRegistryServer(partOf('docker-registry'), folder.path);
  const close = async () => {
    await registry.close();
    folder.remove();
  };
  return { url: registry.url, close };
});
