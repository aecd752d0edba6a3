/** The plug-ins of the node, and the registries by which they are told apart. */
import { PROGRAM, partOf } from '../../e2e/world/parts.ts';
import { parseRecord } from '../../emulator/json.ts';
import { PATHS } from '../../emulator/managed-identity.ts';
import { AUDIENCE } from './audience.ts';
import type { Plugin } from './node.ts';
import { runProgram } from './program.ts';

/** The plug-in that gets the tokens of service accounts. */
export const PODS_PLUGIN = 'acr-credential-provider-pods';

/** The annotations that both plug-ins read. */
export const ANNOTATIONS = ['kubernetes.azure.com/acr-client-id', 'kubernetes.azure.com/acr-tenant-id'] as const;

/** The registries, each named after how its images are pulled. */
export const REGISTRIES = {
  /** With the node's identity. */
  node: 'fornodes.azurecr.io',
  /** With the node's identity too; nothing else is pulled from it. */
  crowd: 'forcrowds.azurecr.io',
  /** With the node's identity, or by anybody. */
  open: 'foranybody.azurecr.io',
  /** With the identities of pods. */
  pods: 'forpods.azurecr.io',
  /** With the identities of pods, or by anybody. */
  openPods: 'foranypod.azurecr.io',
  /** With the identities of pods, on a node that has a client secret instead of a managed identity. */
  secret: 'forsecrets.azurecr.io',
  /** With the node's identity, by AKS's plug-in. */
  peerNode: 'peernodes.azurecr.io',
  /** With the identities of pods, by AKS's plug-in. */
  peerPods: 'peerpods.azurecr.io',
  /** By AKS's plug-in on such a node. */
  peerSecret: 'peersecret.azurecr.io',
} as const;

/** What AKS's plug-in sends to a metadata service that a variable names. */
export const IDENTITY_HEADER = 'identity-header-4c1f-secret';

/** The two files that a node can have as its azure.json. */
export interface AzureJsonFiles {
  /** The node has a managed identity. */
  readonly managedIdentity: string;
  /** It has a client secret instead. */
  readonly clientSecret: string;
}

/**
 * Lists the plug-ins: ours as `kubelet config` prints them, and AKS's own.
 * @param env the variables of the program, which every plug-in of it gets.
 */
export async function listPlugins(
  { managedIdentity, clientSecret }: AzureJsonFiles,
  metadataUrl: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly Plugin[]> {
  const { node, crowd, open, pods, openPods, secret, peerNode, peerPods, peerSecret } = REGISTRIES;
  const asNode = ['--mode', 'node', '--azure-json', managedIdentity];
  const asPod = ['--mode', 'service-account', '--azure-json'];
  const theirs = {
    program: partOf('acr-credential-provider'),
    // It asks the usual address of the metadata service otherwise, whatever the variables say.
    env: { IDENTITY_ENDPOINT: `${metadataUrl}${PATHS.appService}`, IDENTITY_HEADER },
    args: [managedIdentity],
  };
  const tokenAttributes = {
    serviceAccountTokenAudience: AUDIENCE,
    requireServiceAccount: true,
    cacheType: 'ServiceAccount',
    requiredServiceAccountAnnotationKeys: ANNOTATIONS,
  };
  return [
    ...(await Promise.all([
      printPlugin('acr-credential-provider', [node, crowd, open], env, asNode),
      printPlugin(PODS_PLUGIN, [pods, openPods], env, [...asPod, managedIdentity]),
      printPlugin('acr-credential-provider-secret', [secret], env, [...asPod, clientSecret]),
    ])),
    { name: 'peer', ...theirs, matchImages: [peerNode] },
    { name: 'peer-pods', ...theirs, matchImages: [peerPods], tokenAttributes },
    { name: 'peer-secret', ...theirs, args: [clientSecret], matchImages: [peerSecret], tokenAttributes },
  ];
}

async function printPlugin(
  name: string,
  matchImages: readonly string[],
  env: Readonly<Record<string, string>>,
  options: readonly string[],
): Promise<Plugin> {
  const registries = matchImages.flatMap((registry) => ['--registry', registry]);
  const { providers } = await runProgram(['kubelet', 'config', '--json', '--name', name, ...registries, ...options]);
  const printed = Array.isArray(providers) ? parseRecord(providers[0]) : undefined;
  if (printed === undefined) throw new Error(`Cannot find the entry of ${name} in what the program printed`);
  return { name, program: PROGRAM, matchImages, env, printed };
}
