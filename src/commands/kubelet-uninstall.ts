/** `kubelet uninstall`: takes this program off a node, and puts back what was there before. */

import { type Command, Option } from '@commander-js/extra-typings';
import { EXIT } from '../terminal/failure.ts';
import { defineCommand } from './command.ts';

/** The command `kubelet uninstall`. */
export const KUBELET_UNINSTALL = defineCommand({
  name: 'uninstall',
  summary: 'undo "kubelet install" on a node',
  details:
    'Puts back each file that was there before, byte for byte and with its mode, and removes the others. What somebody else has added to the configuration since stays. Nothing is changed if the kubelet could then not start again. The kubelet is not restarted.',
  examples: [
    ['kubelet uninstall', 'on this node'],
    ['kubelet uninstall --host-root /host', 'from a container, on its node'],
  ],
  define: (command: Command) =>
    command
      .option('--host-root <file>', "where the node's file system is mounted", '/')
      .option('--bin-dir <file>', 'the folder that "kubelet install" took, if it was given')
      .option('--flags-removed', "the kubelet's flags no longer name the configuration, so it may be removed")
      .addOption(new Option('--wait', 'keep running, as the container of a DaemonSet must').conflicts('json'))
      .option('--json', 'print what was done as JSON'),
  run: async ({ runtime, terminal }, { hostRoot, binDir, flagsRemoved = false, wait = false, json = false }) => {
    const [read, { uninstallFromNode }, { formatUninstall }, { findKubelet, PROCESS_TABLE }] = await Promise.all([
      import('./kubelet/install-options.ts'),
      import('./kubelet/uninstall.ts'),
      import('./kubelet/install-text.ts'),
      import('./kubelet/node-kubelet.ts'),
    ]);
    const root = read.readNodePath('--host-root', hostRoot);
    const kubelet = findKubelet(PROCESS_TABLE);
    const binFolder = read.readNodePath('--bin-dir', binDir ?? read.findPlaces(root, kubelet).binFolder);
    const result = uninstallFromNode({
      ...{ runtime, hostRoot: root, binFolder, kubelet },
      areFlagsGone: flagsRemoved,
    });
    const { places = [] } = result ?? {};
    terminal.write(json ? `${JSON.stringify({ places }, null, 2)}\n` : formatUninstall(runtime, result));
    if (result?.isConfigChanged === true) {
      terminal.writeError(
        `${terminal.errorStyle('cyan', 'next:')} restart the kubelet, which still uses the program\n`,
      );
    }
    if (wait) await waitForEnd();
    return EXIT.ok;
  },
});

const LONG_MS = 24 * 60 * 60 * 1000;

async function waitForEnd(): Promise<void> {
  const { waitUnlessTerminated } = await import('../system/termination.ts');
  while (!(await waitUnlessTerminated(LONG_MS)));
}
