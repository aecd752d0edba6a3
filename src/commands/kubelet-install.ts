/** `kubelet install`: puts this program and its configuration on a node. */

import { type Command, Option } from '@commander-js/extra-typings';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { type CommandContext, collect, defineCommand } from './command.ts';
import type { InstallRequest } from './kubelet/install-plan.ts';

/** The command `kubelet install`. */
export const KUBELET_INSTALL = defineCommand({
  name: 'install',
  summary: 'install this program on a node, for its kubelet',
  details:
    'Copies this executable, links the names that the kubelet calls, and adds the providers to the kubelet\'s configuration. What was there before is kept beside each file, and "kubelet uninstall" puts it back. Each file is replaced in one step, so the kubelet always finds a whole one. It is not restarted unless you say so.\n\nWhere the flags of the kubelet cannot be seen, the places of AKS are taken.',
  examples: [
    ['kubelet install --config-source -', 'on this node', 'docker-credential-acr kubelet config'],
    ['kubelet install --host-root /host --config-source /config/config.yaml', 'from a container, on its node'],
    ['kubelet install --bin-dir /var/lib/rancher/credentialprovider/bin', 'only the program, where k3s looks'],
  ],
  define: (command: Command) =>
    command
      .option('--host-root <file>', "where the node's file system is mounted", '/')
      .option('--bin-dir <file>', "the kubelet's folder of plug-ins, if its flags do not say it")
      .option('--config <file>', "the kubelet's configuration of plug-ins, if its flags do not say it")
      .option('--config-source <file>', 'the providers to add to it; - for standard input')
      .addOption(new Option('--name <name>', 'a name by which the kubelet calls it (repeatable)').argParser(collect))
      .addOption(
        new Option('--copy <paths>', 'SOURCE:TARGET, another file for the node (repeatable)').argParser(collect),
      )
      .option('--executable <file>', 'the executable to install, instead of this one')
      .option('--sha256 <sum>', 'the sum that the executable must have')
      .option('--restart-kubelet', 'restart the kubelet if it runs with an older configuration')
      .addOption(new Option('--wait', 'keep running, and check every five minutes').conflicts('json'))
      .option('--json', 'print what was done as JSON'),
  run: async (context, options) => {
    const request = await readRequest(context, options);
    const { json = false, restartKubelet = false, wait = false } = options;
    await installOnce(context, request, { json, restartKubelet });
    if (!wait) return EXIT.ok;
    const [{ keepInstalled }, { waitUnlessTerminated }] = await Promise.all([
      import('./kubelet/keep-installed.ts'),
      import('../system/termination.ts'),
    ]);
    await keepInstalled(request, context.terminal, waitUnlessTerminated);
    return EXIT.ok;
  },
});

interface Options {
  readonly hostRoot: string;
  readonly binDir?: string | undefined;
  readonly config?: string | undefined;
  readonly configSource?: string | undefined;
  readonly name?: readonly string[] | undefined;
  readonly copy?: readonly string[] | undefined;
  readonly executable?: string | undefined;
  readonly sha256?: string | undefined;
}

/** @throws UsageError for a wrong value; INSTALL_FAILED when the configuration to add cannot be read. */
async function readRequest({ runtime, terminal }: CommandContext, options: Options): Promise<InstallRequest> {
  if (runtime.platform === 'win32') {
    throw new UsageError('Nodes with Windows are not supported', {
      hint: 'copy the executable into the bin directory',
    });
  }
  const [read, { findKubelet, PROCESS_TABLE }, { findOwnProgram }] = await Promise.all([
    import('./kubelet/install-options.ts'),
    import('./kubelet/node-kubelet.ts'),
    import('../system/own-program.ts'),
  ]);
  const { binDir, config, configSource, name = [], copy = [], sha256 } = options;
  const hostRoot = read.readNodePath('--host-root', options.hostRoot);
  const kubelet = findKubelet(PROCESS_TABLE);
  const places = read.findPlaces(hostRoot, kubelet);
  const own = findOwnProgram();
  const executable = options.executable ?? (own?.form === 'executable' ? own.file : undefined);
  if (executable === undefined && own?.form === 'npm package') {
    throw new UsageError('The npm package cannot be installed on a node: a kubelet needs the executable', {
      hint: 'install the executable, and run its "kubelet install", or add --executable FILE',
    });
  }
  if (executable === undefined) {
    throw new UsageError('The program runs from its sources, so it does not know its executable', {
      hint: 'npm run build, then add --executable dist/docker-credential-acr',
    });
  }
  if (config !== undefined && configSource === undefined) {
    throw new UsageError('--config needs --config-source', { hint: 'add --config-source FILE' });
  }
  const path = read.readNodePath('--config', config ?? places.configPath);
  return {
    runtime,
    ...{ executable, hostRoot, names: name },
    binFolder: read.readNodePath('--bin-dir', binDir ?? places.binFolder),
    sha256: sha256 === undefined ? undefined : read.readSum(sha256),
    files: copy.map(read.readCopy),
    config:
      configSource === undefined
        ? undefined
        : {
            ...{ path, isOnly: kubelet?.configPath === path },
            text: await readSource(runtime, terminal, configSource),
          },
  };
}

async function readSource(
  runtime: CommandContext['runtime'],
  terminal: CommandContext['terminal'],
  source: string,
): Promise<string> {
  const { readConfigSource } = await import('./kubelet/config-source.ts');
  return await readConfigSource(runtime, source, () => terminal.promptStreams().input);
}

async function installOnce(
  { runtime, terminal }: CommandContext,
  request: InstallRequest,
  { json, restartKubelet: mustRestart }: { readonly json: boolean; readonly restartKubelet: boolean },
): Promise<void> {
  const [{ installOnNode }, text, running] = await Promise.all([
    import('./kubelet/install.ts'),
    import('./kubelet/install-text.ts'),
    import('./kubelet/node-kubelet.ts'),
  ]);
  const result = installOnNode(request);
  let kubelet = running.findKubelet(running.PROCESS_TABLE);
  const { binFolder, config, hostRoot } = request;
  const findSteps = () =>
    kubelet === undefined
      ? { missingFlags: [], needsRestart: false }
      : text.findNextSteps(
          kubelet,
          { binFolder, configPath: config?.path },
          running.readConfigTime(hostRoot, config?.path),
        );
  let steps = findSteps();
  const isRestarted = mustRestart && text.mayRestart(kubelet, steps, result.changed.length > 0);
  if (!json) terminal.write(text.formatInstall(runtime, result));
  if (isRestarted) {
    const { restartKubelet } = await import('./kubelet/restart-kubelet.ts');
    kubelet = await restartKubelet({
      processTable: running.PROCESS_TABLE,
      terminate: (processId) => void process.kill(processId, 'SIGTERM'),
      wait: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
    });
    if (!json) terminal.write(`Restarted the kubelet: process ${kubelet.processId}\n`);
    steps = findSteps();
  }
  if (json) {
    const seen = kubelet === undefined ? undefined : { processId: kubelet.processId, ...steps };
    terminal.write(`${JSON.stringify({ ...result, kubelet: seen ?? null, isRestarted }, null, 2)}\n`);
  } else {
    terminal.writeError(
      kubelet === undefined && config !== undefined
        ? text.formatFlags(terminal.errorStyle, binFolder, config.path)
        : text.formatNextSteps(terminal.errorStyle, kubelet, steps),
    );
  }
}
