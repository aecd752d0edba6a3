/** Reads what a person wants to have examined. */

import { resolve } from 'node:path';
import { UsageError } from '../../../terminal/failure.ts';
import type { Target } from '../../doctor/target.ts';
import { isLabel, isSecretName } from '../../token/kubernetes-secret.ts';
import { parseImage } from '../image-pattern.ts';
import { parseMinor } from '../kubernetes-version.ts';
import type { ServiceAccountName } from './cluster.ts';
import type { NodeOptions } from './node.ts';

/** The options of the command. */
export interface DoctorOptions {
  readonly config?: string | undefined;
  readonly binDir?: string | undefined;
  readonly kubeletConfig?: string | undefined;
  readonly kubernetesVersion?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly serviceAccount?: string | undefined;
}

/** What is to be examined. */
export interface NodeRequest {
  readonly options: NodeOptions;
  readonly kubeconfig: string | undefined;
  /** Without a tag. */
  readonly image: string | undefined;
  /** The image in its parts. */
  readonly target: Target | undefined;
  readonly serviceAccount: ServiceAccountName | undefined;
}

/** Reads the options and the image. @throws UsageError */
export function readNodeRequest(given: DoctorOptions, text: string | undefined): NodeRequest {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const image = text === undefined ? undefined : parseImage(text);
  if (text !== undefined && image === undefined) {
    throw new UsageError('this is not the name of an image', { hint: 'write it as myregistry.azurecr.io/team/app' });
  }
  const [host = '', ...path] = image?.split('/') ?? [];
  return {
    options: {
      configPath: absolute(given.config),
      binFolder: absolute(given.binDir),
      kubeletConfigFile: absolute(given.kubeletConfig),
      minor: readMinor(given.kubernetesVersion),
      systemFolder: '/',
    },
    kubeconfig: absolute(given.kubeconfig),
    image,
    target: image === undefined ? undefined : { host, repository: path.join('/') },
    serviceAccount: readServiceAccount(given),
  };
}

function readMinor(text: string | undefined): number | undefined {
  const minor = text === undefined ? undefined : parseMinor(text);
  if (text === undefined || minor !== undefined) return minor;
  throw new UsageError('the value of --kubernetes-version is not a version of Kubernetes', { hint: 'such as 1.34' });
}

function readServiceAccount({ serviceAccount, kubeconfig }: DoctorOptions): ServiceAccountName | undefined {
  if (serviceAccount === undefined) return undefined;
  const [namespace = '', name = '', ...rest] = serviceAccount.split('/');
  if (rest.length > 0 || !isLabel(namespace) || !isSecretName(name)) {
    throw new UsageError('the value of --service-account is not NAMESPACE/NAME', { hint: 'such as default/app' });
  }
  if (kubeconfig !== undefined) return { namespace, name };
  throw new UsageError('--service-account needs --kubeconfig, since the API server issues the token', {
    hint: 'add --kubeconfig FILE',
  });
}
