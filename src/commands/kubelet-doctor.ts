/** `kubelet doctor`: finds out why the pods of a node get no credentials. */

import type { Command } from '@commander-js/extra-typings';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { defineCommand } from './command.ts';

/** The command `kubelet doctor`. */
export const KUBELET_DOCTOR = defineCommand({
  name: 'doctor',
  summary: 'find out why the pods of a node get no credentials',
  details:
    'Examines what the running kubelet was started with: the configuration, the programs, their arguments and environment. With an image, it calls the plug-in as the kubelet does, and says what a pod would get. Programs that a kubeconfig names are not run.',
  examples: [
    ['kubelet doctor', 'this node'],
    ['kubelet doctor myregistry.azurecr.io/team/app', 'and what a pod gets for an image'],
    [
      'kubelet doctor myregistry.azurecr.io/team/app --service-account default/app --kubeconfig /var/lib/kubelet/kubeconfig',
      "with the token of the pod's service account",
    ],
    ['kubelet doctor --config providers.yaml --bin-dir /opt/bin --kubernetes-version 1.34', 'what is not in use yet'],
  ],
  define: (command: Command) =>
    command
      .argument('[host/repository]', 'an image, such as myregistry.azurecr.io/team/app')
      .option('--config <file>', '--image-credential-provider-config of the kubelet')
      .option('--bin-dir <file>', '--image-credential-provider-bin-dir of the kubelet')
      .option('--kubelet-config <file>', "the kubelet's own configuration, for its gates")
      .option('--kubernetes-version <number>', "the kubelet's version, such as 1.34")
      .option('--kubeconfig <file>', 'ask the API server, as whoever this is')
      .option('--service-account <name>', 'NAMESPACE/NAME of a pod, whose token the plug-in gets')
      .option('--json', 'print the results as JSON')
      .option('--report', 'print a text that can be pasted in public: no names, ids shortened'),
  run: async ({ runtime, terminal, log }, { json = false, report = false, ...given }, text) => {
    if (json && report) throw new UsageError('--json and --report exclude each other', { hint: 'choose one of them' });
    const [{ examineNode }, { readNodeRequest }, format, { findOwnProgram }] = await Promise.all([
      import('./kubelet/doctor/doctor.ts'),
      import('./kubelet/doctor/request.ts'),
      import('./doctor/result-text.ts'),
      import('../system/own-program.ts'),
    ]);
    const request = readNodeRequest(given, text);
    const { style } = terminal;
    const own = findOwnProgram();
    const columns = terminal.isOutputSeen ? terminal.columns : undefined;
    const { results, names } = await examineNode({
      ...{ runtime, terminal, log, ...request },
      programFile: own?.form === 'executable' ? own.file : undefined,
      show: (found) => {
        if (!json && !report) terminal.write(format.formatResults(found, style, columns));
      },
    });
    const target = request.target;
    names.add('REGISTRY', target?.host);
    names.add('REPOSITORY', target?.repository);
    if (json) terminal.write(format.formatJson(runtime, target, results));
    else if (report) {
      const system = { platform: runtime.platform, arch: process.arch, node: process.versions.node };
      terminal.write(format.formatReport(system, results, names));
    } else terminal.write(format.formatSummary(results, style));
    return results.some(({ status }) => status === 'problem') ? EXIT.failed : EXIT.ok;
  },
});
