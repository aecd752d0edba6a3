/** `kubelet config`: the configuration with which a kubelet calls this program. */

import { type Command, Option } from '@commander-js/extra-typings';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { collect, defineCommand } from './command.ts';
import { MODES } from './kubelet/config/mode.ts';

/** The command `kubelet config`. */
export const KUBELET_CONFIG = defineCommand({
  name: 'config',
  summary: "print the kubelet's configuration for this program",
  details: 'For --image-credential-provider-config, which the kubelet reads when it starts.',
  examples: [
    ['kubelet config --azure-json /etc/kubernetes/azure.json', "pull as the node, by the cluster's own settings"],
    ['kubelet config --mode service-account', "pull as the pod's service account"],
    ['kubelet config --mode service-account --rbac | kubectl apply -f -', 'let nodes request the tokens for that'],
  ],
  define: (command: Command) =>
    command
      .addOption(new Option('--mode <mode>', "whose identity pulls; the node's by default").choices(MODES))
      .option('--kubernetes-version <number>', "the cluster's version, such as 1.34")
      .addOption(new Option('--cloud <cloud>', 'only registries of this cloud (repeatable)').argParser(collect))
      .addOption(new Option('--registry <host>', 'only this registry, or HOST:PORT (repeatable)').argParser(collect))
      .addOption(new Option('--registry-mirror <hosts>', 'SOURCE:TARGET, as for AKS (repeatable)').argParser(collect))
      .option('--azure-json <file>', "the cluster's settings on the node")
      .option('--config-file <file>', "this program's configuration on the node")
      .option('--cache-dir <file>', 'the folder of the token cache on the node')
      .option('--name <name>', 'the program, if not acr-credential-provider')
      .option('--require-service-account', 'nothing for pods without a service account')
      .option('--audience <audience>', "of the tokens, if it is not the cloud's")
      .option('--ib-sni-name <name>', 'identity bindings: name of the token proxy')
      .option('--ib-apiserver-ip <address>', 'identity bindings: its address')
      .option('--ib-default-client-id <id>', 'identity bindings: whose identity, if not named')
      .option('--ib-default-tenant-id <id>', 'identity bindings: its tenant')
      .option('--ib-ca-file <file>', "identity bindings: the proxy's certificates")
      .option('--rbac', 'print the rights that nodes need instead')
      .option('--json', 'print JSON, which the kubelet reads as well'),
  run: async ({ runtime, terminal }, { rbac = false, json = false, ...options }) => {
    const [{ readRequest }, { buildProviderConfig }, format, { describeNextSteps }] = await Promise.all([
      import('./kubelet/config/request.ts'),
      import('./kubelet/config/provider-config.ts'),
      import('./kubelet/config/config-text.ts'),
      import('./kubelet/config/next-steps.ts'),
    ]);
    const request = readRequest(options);
    const config = buildProviderConfig(request);
    if (rbac) {
      const rights = json ? format.formatRightsAsJson(config) : format.formatRights(config);
      if (rights === '') {
        throw new UsageError('--mode node needs no rights in the cluster', { hint: 'add --mode service-account' });
      }
      terminal.write(rights);
      return EXIT.ok;
    }
    terminal.write(json ? `${JSON.stringify(config, undefined, 2)}\n` : format.formatConfig(config, request));
    if (terminal.isErrorSeen) terminal.writeError(describeNextSteps(runtime, terminal.errorStyle, config));
    return EXIT.ok;
  },
});
