/**
 * The request of a kubelet for the credential of an image.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/
 */

import { CredentialError } from '../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../json.ts';

/** A request of a kubelet. */
export interface ProviderRequest {
  /** The version in which the response must be written. */
  readonly apiVersion: string;
  /** The image without tag and digest, such as `myregistry.azurecr.io/team/app`. */
  readonly image: string;
  /** The token of the pod's service account, if the kubelet's configuration asks for one. */
  readonly serviceAccountToken: string | undefined;
  /** The annotations of the service account that the kubelet's configuration names. Their values are not checked. */
  readonly annotations: JsonObject;
}

const KIND = 'CredentialProviderRequest';
/** The three versions have the same fields. */
const API_VERSION = /^credentialprovider\.kubelet\.k8s\.io\/v1(?:alpha1|beta1)?$/;

/**
 * Reads a request. Ignores fields that it does not know, since a later kubelet may send more.
 * @throws REQUEST_INVALID
 */
export function parseRequest(input: string): ProviderRequest {
  const request = parseJsonObject(input);
  if (request === undefined) throw invalid('it is not a JSON object');
  const apiVersion = asText(request['apiVersion']) ?? '';
  if (request['kind'] !== KIND || !API_VERSION.test(apiVersion)) {
    throw invalid(`it is not a ${KIND} of credentialprovider.kubelet.k8s.io/v1`);
  }
  const image = asText(request['image']);
  if (image === undefined) throw invalid('it names no image');
  const { serviceAccountToken: token = '', serviceAccountAnnotations } = request;
  // A pod that has an account must not get the node's credential because its token cannot be read.
  if (typeof token !== 'string') throw invalid('"serviceAccountToken" is not a string');
  const annotations = asJsonObject(serviceAccountAnnotations ?? {});
  if (annotations === undefined) throw invalid('"serviceAccountAnnotations" is not an object');
  return { apiVersion, image, serviceAccountToken: asText(token), annotations };
}

function invalid(problem: string): CredentialError {
  return new CredentialError('REQUEST_INVALID', `Cannot read the kubelet's request: ${problem}`, {
    hint: 'only a kubelet sends one; to see what it gets for an image: docker-credential-acr kubelet doctor',
  });
}
