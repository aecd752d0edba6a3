/** Writes a `CredentialProviderConfig` and the rights that it needs, as YAML with comments or as JSON. */

import { Document, isMap, isScalar, isSeq, type Node } from 'yaml';
import { formatMinor } from '../kubernetes-version.ts';
import {
  AUDIENCE_VERB,
  type ConfigRequest,
  describeGate,
  listTokenAudiences,
  type ProviderConfig,
} from './provider-config.ts';

const RULES_NAME = 'acr-credential-provider-audience';

/** What a comment says, by the key above which it stands. */
type Comments = Readonly<Record<string, string>>;

/** Formats the configuration as YAML. */
export function formatConfig(config: ProviderConfig, request: ConfigRequest): string {
  const document = toDocument(config);
  const gate = describeGate(request);
  const whose = {
    node: "The kubelet's credential provider for Azure Container Registry: images are pulled as the node.",
    'service-account':
      "The kubelet's credential provider for Azure Container Registry: images are pulled as the pod's service account.",
    'identity-binding':
      "The kubelet's credential provider for Azure Container Registry: images are pulled with identity bindings.",
  }[request.mode];
  const lines = [whose, `For ${formatMinor(request.minor)}. The kubelet reads this file only when it starts.`];
  document.commentBefore = [...lines, ...(gate === undefined ? [] : [gate])].map((line) => ` ${line}`).join('\n');
  const providers = document.get('providers', true);
  // Further plug-ins differ only in their images and their audience.
  if (isSeq(providers)) comment(providers.items[0], commentsOf(request));
  return format(document);
}

/**
 * Formats the rights as YAML: nodes may request tokens for the audiences.
 * @returns an empty text when no rights are needed.
 */
export function formatRights(config: ProviderConfig): string {
  const [role, binding] = buildRights(config);
  if (role === undefined || binding === undefined) return '';
  const first = toDocument(role);
  first.commentBefore =
    ' Nodes may request tokens of service accounts for these audiences. Without it, the API server refuses them.';
  return `${format(first)}---\n${format(toDocument(binding))}`;
}

/** Formats the rights as JSON. @returns an empty text when no rights are needed. */
export function formatRightsAsJson(config: ProviderConfig): string {
  const items = buildRights(config);
  return items.length === 0 ? '' : `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 2)}\n`;
}

/** Makes the role and its binding; an empty list when no plug-in gets tokens. */
function buildRights(config: ProviderConfig): readonly object[] {
  const resources = listTokenAudiences(config);
  if (resources.length === 0) return [];
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: RULES_NAME };
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    {
      ...{ apiVersion, kind: 'ClusterRole', metadata },
      rules: [{ apiGroups: [''], resources, verbs: [AUDIENCE_VERB] }],
    },
    {
      ...{ apiVersion, kind: 'ClusterRoleBinding', metadata },
      roleRef: { apiGroup, kind: 'ClusterRole', name: RULES_NAME },
      subjects: [{ apiGroup, kind: 'Group', name: 'system:nodes' }],
    },
  ];
}

function commentsOf({ isServiceAccountRequired }: ConfigRequest): Comments {
  return {
    name: 'The name of the program in the folder of --image-credential-provider-bin-dir.',
    matchImages: 'A * stands for a part of one label, so regional endpoints need a line of their own.',
    defaultCacheDuration: 'Only for a response that names no duration; this program always names one.',
    tokenAttributes: 'Nodes need the right to request such tokens, which "kubelet config --rbac" prints.',
    cacheType: 'A credential belongs to the service account, and to none of its pods.',
    requireServiceAccount: isServiceAccountRequired
      ? 'Pods without a service account, such as static pods, get nothing.'
      : "Pods without a service account, such as static pods, get the node's identity.",
    optionalServiceAccountAnnotationKeys: 'These annotations of a service account name its identity.',
  };
}

/** Puts comments above the keys of a map, and of the maps in it. */
function comment(node: unknown, comments: Comments): void {
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    if (isMap(value)) comment(value, comments);
    if (!isScalar(key)) continue;
    const text = comments[String(key.value)];
    if (text !== undefined) addComment(key, text);
  }
}

function addComment(node: Node, text: string): void {
  node.commentBefore = ` ${text}`;
}

/** @returns a document whose texts are texts for older parsers too, which take `yes` for true. */
function toDocument(value: object): Document {
  return new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
}

function format(document: Document): string {
  return document.toString({ lineWidth: 0, singleQuote: true });
}
