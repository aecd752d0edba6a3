/**
 * Formats a token as a Secret of Kubernetes, which pods name in `imagePullSecrets`.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
 */

import type { JsonObject } from '../../json.ts';
import type { ExposedToken } from './find-token.ts';

/** The Secret's own name, and where it belongs. */
export interface SecretNames {
  readonly name: string;
  /** `undefined` for the namespace of the kubectl context. */
  readonly namespace: string | undefined;
}

const EXPIRY_ANNOTATION = 'docker-credential-acr/expires-at';
const MAX_NAME = 253;
const MAX_LABEL = 63;

/**
 * Whether a text can be the name of a Secret: DNS labels, separated by dots.
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
 */
export function isSecretName(text: string): boolean {
  return text.length <= MAX_NAME && text.split('.').every(isLabel);
}

/** Whether a text can be the name of a namespace: a DNS label. */
export function isLabel(text: string): boolean {
  return text.length <= MAX_LABEL && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}

/** Formats the manifest as JSON, for `kubectl apply -f -`. */
export function formatKubernetesSecret(token: ExposedToken, names: SecretNames): string {
  return `${JSON.stringify(buildKubernetesSecret(token, names), undefined, 2)}\n`;
}

/** Builds the Secret. Its annotation says until when the token in it is good, if that is given. */
export function buildKubernetesSecret(
  { loginServer, username, secret }: ExposedToken,
  { name, namespace, expiresAt }: SecretNames & { readonly expiresAt?: string | undefined },
): JsonObject {
  const auth = encode(`${username}:${secret}`);
  const config = { auths: { [loginServer]: { username, password: secret, auth } } };
  const annotations = expiresAt === undefined ? {} : { annotations: { [EXPIRY_ANNOTATION]: expiresAt } };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...annotations },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': encode(JSON.stringify(config)) },
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
