/** The plug-ins of the node, and the registries by which they are told apart. */
import { PROGRAM, partOf } from '../../e2e/world/parts.ts';
import { PATHS } from '../../emulator/managed-identity.ts';
import { AUDIENCE } from './audience.ts';
import type { Plugin } from './node.ts';

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
 * Lists the plug-ins.
 * @param env the variables of the program, which every plug-in of it gets.
 */
export function listPlugins(
  files: AzureJsonFiles,
  metadataUrl: string,
  env: Readonly<Record<string, string>>,
): readonly Plugin[] {
  const tokenAttributes = {
    serviceAccountTokenAudience: AUDIENCE,
    requireServiceAccount: true,
    cacheType: 'ServiceAccount',
  };
  const ourAttributes = { ...tokenAttributes, optionalServiceAccountAnnotationKeys: ANNOTATIONS };
  const theirAttributes = { ...tokenAttributes, requiredServiceAccountAnnotationKeys: ANNOTATIONS };
  const { node, crowd, open, pods, openPods, secret, peerNode, peerPods, peerSecret } = REGISTRIES;
  const ours = { program: PROGRAM, env, args: [files.managedIdentity] };
  const theirs = {
    program: partOf('acr-credential-provider'),
    // It asks the usual address of the metadata service otherwise, whatever the variables say.
    env: { IDENTITY_ENDPOINT: `${metadataUrl}${PATHS.appService}`, IDENTITY_HEADER },
    args: [files.managedIdentity],
  };
  return [
    { name: 'acr-credential-provider', ...ours, matchImages: [node, crowd, open] },
    { name: PODS_PLUGIN, ...ours, matchImages: [pods, openPods], tokenAttributes: ourAttributes },
    {
      name: 'acr-credential-provider-secret',
      ...ours,
      args: [files.clientSecret],
      matchImages: [secret],
      tokenAttributes: ourAttributes,
    },
    { name: 'peer', ...theirs, matchImages: [peerNode] },
    { name: 'peer-pods', ...theirs, matchImages: [peerPods], tokenAttributes: theirAttributes },
    {
      name: 'peer-secret',
      ...theirs,
      args: [files.clientSecret],
      matchImages: [peerSecret],
      tokenAttributes: theirAttributes,
    },
  ];
}
