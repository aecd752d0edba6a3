/** Says where a configuration goes, for a person at a terminal. */

import { shellWord } from '../../../shell-word.ts';
import type { Runtime } from '../../../system/runtime.ts';
import type { Style } from '../../../terminal/terminal.ts';
import { listTokenAudiences, type ProviderConfig } from './provider-config.ts';

/** Where AKS has them, and where `doctor` looks if the kubelet does not say. */
const CONFIG_FILE = '/var/lib/kubelet/credential-provider-config.yaml';
const PROGRAM = '/usr/local/bin/docker-credential-acr';
const BIN_FOLDER = '/var/lib/kubelet/credential-provider';

/** Formats what is left to do on each node, one line for each step. */
export function describeNextSteps({ programName }: Runtime, style: Style, config: ProviderConfig): string {
  const step = (what: string, how: string) => `${style('cyan', `${what}:`)} ${how}\n`;
  const { providers } = config;
  const needsRights = listTokenAudiences(config).length > 0;
  return [
    step('save it on each node as', CONFIG_FILE),
    ...providers.map(({ name }) => step('link', `ln -s ${PROGRAM} ${shellWord(`${BIN_FOLDER}/${name}`)}`)),
    step(
      'flags',
      `--image-credential-provider-config=${CONFIG_FILE} --image-credential-provider-bin-dir=${BIN_FOLDER}`,
    ),
    ...(needsRights ? [step('rights', 'run this command with --rbac, and pipe it into kubectl apply -f -')] : []),
    step('check', `${programName} kubelet doctor`),
  ].join('');
}
