/** An executable that its users can run but not read works, and Linux lets nobody look into its process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { needParts, needRoot, PROGRAM } from './world/parts.ts';
import { createTemporaryFolder } from './world/temporary-folder.ts';

const OTHER_USER = 65_534;
const SECRET = 'a-secret-of-the-environment';
/** Runs a program as a user without any right of root: `setpriv` itself keeps some until it has started a program. */
const AS_OTHER_USER = [
  `--reuid=${OTHER_USER}`,
  `--regid=${OTHER_USER}`,
  '--clear-groups',
  'sh',
  '-c',
  'exec "$@"',
  'sh',
];

let folder: { readonly path: string; readonly remove: () => void };

beforeEach(() => {
  folder = createTemporaryFolder('acr-unreadable-');
  chmodSync(folder.path, 0o755);
  mkdirSync(join(folder.path, 'home'));
  chownSync(join(folder.path, 'home'), OTHER_USER, OTHER_USER);
});
afterEach(() => folder.remove());

function need(context: TestContext): void {
  if (process.platform !== 'linux') context.skip('only Linux has this rule');
  needRoot(context);
  needParts(context, 'setpriv');
}

/** Starts `get` with an executable of this mode as another user. It waits for its input. */
function startGet(mode: number) {
  const program = join(folder.path, 'docker-credential-acr');
  copyFileSync(PROGRAM, program);
  chmodSync(program, mode);
  return spawn('setpriv', [...AS_OTHER_USER, program, 'get'], {
    env: { PATH: '/usr/bin:/bin', HOME: join(folder.path, 'home'), AZURE_CLIENT_SECRET: SECRET },
    cwd: '/',
    stdio: 'pipe',
  });
}

async function waitForStart(processId: number): Promise<void> {
  const file = () => readlinkSync(`/proc/${processId}/exe`);
  for (let tries = 0; !file().endsWith('docker-credential-acr'); tries += 1) {
    if (tries > 500) throw new Error(`The program did not start: ${file()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('an executable', () => {
  it.for([
    ['that cannot be read', 0o711, 0],
    ['that can be read', 0o755, OTHER_USER],
  ] as const)('%s leaves the files of its process to root or to its user', async ([, mode, owner], context) => {
    need(context);
    const child = startGet(mode);
    try {
      await waitForStart(child.pid ?? 0);
      expect(statSync(`/proc/${child.pid}/mem`).uid).toBe(owner);
      expect(statSync(`/proc/${child.pid}/environ`).uid).toBe(owner);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });

  it('that cannot be read answers all the same', async (context) => {
    need(context);
    const child = startGet(0o711);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    child.stdin.end('myregistry.azurecr.io');
    expect((await once(child, 'close'))[0]).toBe(1);
    expect(text).toContain('credentials not found in native keychain');
    expect(text).toContain('AZURE_CLIENT_SECRET is set, but AZURE_CLIENT_ID is not');
    expect(text).not.toContain(SECRET);
  });
});
