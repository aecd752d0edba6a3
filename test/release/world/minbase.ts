/** A throw-away copy of a minimal Debian, in which a test installs and runs what it likes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { isMinbaseInstalled, MINBASE_PACKAGES, MINBASE_ROOT } from '../../../scripts/parts/minbase.ts';
import { type RunResult, runProcess } from '../../e2e/world/process.ts';
import { createTemporaryFolder } from '../../e2e/world/temporary-folder.ts';

export interface MinbaseRunOptions {
  /** Added to a clean environment: PATH, HOME and LANG. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** A system in which every change stays from one run to the next, and is gone after the test. */
export interface Minbase {
  /** A folder of this machine, which is {@link SHARED_FOLDER} there. */
  readonly sharedFolder: string;
  /**
   * Runs a program there as root, until its end: what it leaves in the background ends with it. The network is that of
   * this machine, so its loopback is reached. Runs wait for each other.
   */
  readonly run: (command: string, args?: readonly string[], options?: MinbaseRunOptions) => Promise<RunResult>;
}

/** Where a test and the system exchange files. */
export const SHARED_FOLDER = '/mnt';
/** Where the system has the Debian packages that it lacks, such as libatomic1. */
export const PACKAGES_FOLDER = '/media';

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' };

/** Mounts the system in a namespace of its own, which ends with the program: nothing is mounted on this machine. */
const ENTER = `set -e
mount -t overlay none -o "lowerdir=$1,upperdir=$2/changes,workdir=$2/work" "$2/root"
mount --bind "$2/shared" "$2/root${SHARED_FOLDER}"
mount --bind -o ro "$3" "$2/root${PACKAGES_FOLDER}"
mount -t tmpfs -o mode=755 none "$2/root/dev"
for device in full null random urandom zero; do
  touch "$2/root/dev/$device"
  mount --bind "/dev/$device" "$2/root/dev/$device"
done
ln -s /proc/self/fd "$2/root/dev/fd"
root=$2/root
shift 3
exec unshare --pid --fork --kill-child sh -c 'mount -t proc none "$0/proc" && exec chroot "$0" "$@"' "$root" "$@"`;

/** Makes a copy until the end of the test; skips the test when there is no such system or none can be mounted. */
export function openMinbase(context: TestContext): Minbase {
  if (!isMinbaseInstalled()) context.skip('no minimal Debian: `npm test -- release` makes it, as root on Debian');
  const { path: folder, remove } = createTemporaryFolder('acr-minbase-');
  context.onTestFinished(remove);
  for (const name of ['changes', 'work', 'root', 'shared']) mkdirSync(join(folder, name), { mode: 0o755 });
  const enter = ['--mount', 'sh', '-c', ENTER, 'sh', MINBASE_ROOT, folder, MINBASE_PACKAGES];
  const probe = spawnSync('unshare', [...enter, 'true'], { env: ENVIRONMENT, encoding: 'utf8' });
  if (probe.status !== 0) context.skip(`nothing can be mounted here: ${probe.stderr.trim()}`);
  let earlier: Promise<unknown> = Promise.resolve();
  return {
    sharedFolder: join(folder, 'shared'),
    run: (command, args = [], { environment = {}, input = '' } = {}) => {
      const start = () =>
        runProcess('unshare', [...enter, command, ...args], {
          environment: { ...ENVIRONMENT, ...environment },
          input,
          folder: '/',
        });
      const result = earlier.then(start, start);
      earlier = result;
      return result;
    },
  };
}
