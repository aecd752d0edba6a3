/** Says where a configuration goes, for a person at a terminal. */

import { shellWord } from '../../../shell-word.ts';
import type { Runtime } from '../../../system/runtime.ts';
import type { Style } from '../../../terminal/terminal.ts';
import { AKS_PLACES } from '../kubelet-places.ts';
import { listTokenAudiences, type ProviderConfig } from './provider-config.ts';

const PROGRAM = '/usr/local/bin/docker-credential-acr';

/** Formats what is left to do on each node, one line for each step. */
export function describeNextSteps({ programName }: Runtime, style: Style, config: ProviderConfig): string {
  const step = (what: string, how: string) => `${style('cyan', `${what}:`)} ${how}\n`;
  const { providers } = config;
  const { configPath, binFolder } = AKS_PLACES;
  const needsRights = listTokenAudiences(config).length > 0;
  return [
    step('save it on each node as', configPath),
    ...providers.map(({ name }) => step('link', `ln -s ${PROGRAM} ${shellWord(`${binFolder}/${name}`)}`)),
    step('flags', `--image-credential-provider-config=${configPath} --image-credential-provider-bin-dir=${binFolder}`),
    ...(needsRights ? [step('rights', 'run this command with --rbac, and pipe it into kubectl apply -f -')] : []),
    step('check', `${programName} kubelet doctor`),
  ].join('');
}
