/** The emulated Azure of one test file, with a real registry behind it where one is installed, else one in memory. */
import { type Emulator, type RecordedRequest, startEmulator } from '../../emulator/emulator.ts';
import { startMemoryRegistry } from '../../emulator/memory-registry.ts';
import { type ImageFiles, seedImage } from './image.ts';
import { findPart } from './parts.ts';
import { startRegistryServer } from './registry-server.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

/** The login server of the tests, which is created on first use. */
export const LOGIN_SERVER = 'contoso.azurecr.io';

export interface Cloud {
  readonly emulator: Emulator;
  readonly hasRealRegistry: boolean;
  /** The registry itself, which wants no credential. */
  readonly registryUrl: string;
  /** Puts an image straight into the registry, without any credential. */
  readonly seed: (repository: string, tag: string, files?: ImageFiles) => Promise<void>;
  /** The program's own requests so far, such as `entra 200` and `exchange 200`, without those of the clients. */
  readonly signIns: () => readonly string[];
  /** Requests that pulled or pushed through `/v2/` with success. */
  readonly transfers: (method: string) => readonly RecordedRequest[];
  /** Forgets the requests so far. */
  readonly forget: () => void;
  readonly close: () => Promise<void>;
}

export async function startCloud(): Promise<Cloud> {
  const folder = createTemporaryFolder('acr-cloud-');
  const program = findPart('docker-registry');
  const registry =
    program === undefined ? await startMemoryRegistry() : await startRegistryServer(program, folder.path);
  const emulator = await startEmulator({ registryUrl: registry.url });
  return {
    emulator,
    hasRealRegistry: program !== undefined,
    registryUrl: registry.url,
    seed: (repository, tag, files = { hello: `Hello from ${repository}:${tag}\n` }) =>
      seedImage(registry.url, repository, tag, files),
    signIns: () => emulator.requests.flatMap(nameSignIn),
    transfers: (method) =>
      emulator.requests.filter(
        (request) => request.method === method && request.path.startsWith('/v2/') && request.status < 300,
      ),
    forget: () => emulator.resetRequests(),
    close: async () => {
      await emulator.close();
      await registry.close();
      folder.remove();
    },
  };
}

function nameSignIn({ path, status }: RecordedRequest): readonly string[] {
  if (path.endsWith('/oauth2/v2.0/token')) return [`entra ${status}`];
  return path === '/oauth2/exchange' ? [`exchange ${status}`] : [];
}
