/** Asks the API server of a cluster: who somebody is, what is allowed, and for the token of a service account. */

import { CredentialError } from '../../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../../json.ts';
import type { Log } from '../../../log.ts';
import { createDirectConnections } from '../../../network/direct-connections.ts';
import { describeResponse, type HttpResponse } from '../../../network/http.ts';
import { createHttpClient } from '../../../network/http-client.ts';
import { shellWord } from '../../../shell-word.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { AUDIENCE_VERB } from '../config/provider-config.ts';
import { parseMinor } from '../kubernetes-version.ts';
import { readKubeconfig } from './kubeconfig.ts';

/** A service account of a pod. */
export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** What may be asked for, as a kubelet asks. */
export interface TokenRight {
  readonly audience: string;
  /** `undefined` for those of every pod. */
  readonly account: ServiceAccountName | undefined;
}

/** What the API server says about a right. */
export interface Verdict {
  readonly isAllowed: boolean;
  /** Whose right it is, such as `system:node:node-1`. */
  readonly who: string;
}

/** A service account, as far as a plug-in gets to know it. */
export interface ServiceAccountFacts {
  readonly annotations: JsonObject;
}

/** An API server. Each method throws a CredentialError when it does not answer as it should. */
export interface Cluster {
  /** The minor version of Kubernetes 1; `undefined` when it does not say. */
  readonly readMinor: () => Promise<number | undefined>;
  /** Whether nodes may request tokens for an audience: this node, or else any. */
  readonly reviewTokenRight: (right: TokenRight) => Promise<Verdict>;
  /** @returns `undefined` when there is no such service account. */
  readonly readServiceAccount: (account: ServiceAccountName) => Promise<ServiceAccountFacts | undefined>;
  /** Requests a token, and adds it to the secrets of the run. */
  readonly requestToken: (account: ServiceAccountName, audience: string) => Promise<string>;
  readonly close: () => void;
}

/** How to reach it. */
export interface ClusterOptions {
  /** The path of the kubeconfig. */
  readonly file: string;
  /** On the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

const NODE_GROUP = 'system:nodes';
const NODE_PREFIX = 'system:node:';
const REVIEWS = '/apis/authorization.k8s.io/v1';
/** The API server sends only the names and the annotations then. */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** Opens a cluster. Sends nothing yet. @throws CONFIG_INVALID when the kubeconfig cannot be used. */
export function openCluster(runtime: Runtime, { file, deadlineMs, log }: ClusterOptions): Cluster {
  const { server, certificates, serverName, token, clientCertificate } = readKubeconfig(runtime, file);
  const connections = createDirectConnections(runtime, {
    ...(certificates === undefined ? {} : { certificates }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  });
  const http = createHttpClient(runtime, { connections, deadlineMs, log });
  const authorization: Readonly<Record<string, string>> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const get = (path: string, accept = 'application/json') =>
    http.send({ method: 'GET', url: `${server}${path}`, headers: { ...authorization, accept } });
  const post = (path: string, json: JsonObject) =>
    http.send({ method: 'POST', url: `${server}${path}`, headers: authorization, json });

  const review = async (kind: string, spec: JsonObject) => {
    const path = `${REVIEWS}/${kind.toLowerCase()}s`;
    const response = await post(path, { apiVersion: 'authorization.k8s.io/v1', kind, spec });
    return asJsonObject(readOk(response, `review rights (${kind})`)['status'])?.['allowed'] === true;
  };

  /** Who this kubeconfig is. @returns `undefined` when the API server cannot say it, as before 1.28. */
  const whoAmI = async () => {
    const apiVersion = 'authentication.k8s.io/v1';
    const response = await post(`/apis/${apiVersion}/selfsubjectreviews`, { apiVersion, kind: 'SelfSubjectReview' });
    if (response.status === 404) return undefined;
    const status = asJsonObject(readOk(response, 'find out who the kubeconfig is')['status']);
    const { username, groups } = asJsonObject(status?.['userInfo']) ?? {};
    return { username: asText(username) ?? '', isNode: Array.isArray(groups) && groups.includes(NODE_GROUP) };
  };

  /** A node gets tokens only for pods that run on it, so one of them is named. */
  const findPod = async ({ namespace, name }: ServiceAccountName, node: string) => {
    const selector = encodeURIComponent(`spec.nodeName=${node},spec.serviceAccountName=${name}`);
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?limit=1&fieldSelector=${selector}`;
    const { items } = readOk(await get(path, METADATA_LIST), `list the pods of ${node}`);
    const [first]: readonly unknown[] = Array.isArray(items) ? items : [];
    const { name: pod, uid } = asJsonObject(asJsonObject(first)?.['metadata']) ?? {};
    if (asText(pod) !== undefined) return { apiVersion: 'v1', kind: 'Pod', name: pod, uid };
    throw refuseForeign({ namespace, name }, node);
  };

  return {
    readMinor: async () => {
      const { gitVersion } = readOk(await get('/version'), 'read its version');
      return parseMinor(asText(gitVersion) ?? '');
    },
    reviewTokenRight: async ({ audience, account }) => {
      const resourceAttributes = {
        ...{ group: '', version: 'v1', resource: audience, verb: AUDIENCE_VERB },
        ...(account === undefined ? {} : account),
      };
      const me = await whoAmI();
      if (me?.isNode === true) {
        const isAllowed = await review('SelfSubjectAccessReview', { resourceAttributes });
        return { isAllowed, who: me.username };
      }
      const groups = [NODE_GROUP, 'system:authenticated'];
      const spec = { user: `${NODE_PREFIX}any`, groups, resourceAttributes };
      return { isAllowed: await review('SubjectAccessReview', spec), who: `the group ${NODE_GROUP}` };
    },
    readServiceAccount: async (account) => {
      const response = await get(pathOf(account), METADATA);
      if (response.status === 404) return undefined;
      if (response.status === 403 && response.body.includes('no relationship found between node')) {
        throw refuseForeign(account, 'this node');
      }
      const metadata = asJsonObject(readOk(response, `read the service account ${nameOf(account)}`)['metadata']);
      return { annotations: asJsonObject(metadata?.['annotations']) ?? {} };
    },
    requestToken: async (account, audience) => {
      const me = await whoAmI();
      const node = me?.isNode === true ? me.username.slice(NODE_PREFIX.length) : undefined;
      const boundObjectRef = node === undefined ? undefined : await findPod(account, node);
      const response = await post(`${pathOf(account)}/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [audience], ...(boundObjectRef === undefined ? {} : { boundObjectRef }) },
      });
      const body = readOk(response, `request a token for ${nameOf(account)}`);
      const issued = asText(asJsonObject(body['status'])?.['token']);
      if (issued === undefined) throw refuse(`the API server issued no token for ${nameOf(account)}`);
      runtime.secrets.add(issued);
      return issued;
    },
    close: () => http.close(),
  };
}

/** @throws RESOURCES_REFUSED when the API server refuses; ANSWER_INVALID when its response is no object. */
function readOk(response: HttpResponse, what: string): JsonObject {
  const { status, body } = response;
  const object = parseJsonObject(body);
  if (status >= 200 && status < 300 && object !== undefined) return object;
  const said = asText(object?.['message']);
  const causes = [said === undefined ? describeResponse(response) : `HTTP ${status}: ${response.quote(said, 500)}`];
  if (status === 401) {
    throw refuse('the API server does not know the kubeconfig: its token or certificate may have expired', { causes });
  }
  throw refuse(`the API server refuses to ${what}`, { causes, hint: explainRefusal(status) });
}

/** A node learns nothing of service accounts whose pods run elsewhere. */
function refuseForeign(account: ServiceAccountName, node: string): CredentialError {
  return refuse(
    `no pod of the service account ${nameOf(account)} runs on ${node}, and a node gets tokens for no other`,
    {
      hint: 'name a service account of a pod on this node, or a kubeconfig of an administrator',
    },
  );
}

function explainRefusal(status: number): string {
  return status === 403
    ? 'use a kubeconfig with more rights, such as that of an administrator'
    : 'kubectl get --raw /readyz';
}

function refuse(
  what: string,
  { causes = [], hint = 'kubectl auth whoami' }: { readonly causes?: readonly string[]; readonly hint?: string } = {},
): CredentialError {
  return new CredentialError('RESOURCES_REFUSED', what, { causes, hint });
}

function pathOf({ namespace, name }: ServiceAccountName): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}`;
}

function nameOf({ namespace, name }: ServiceAccountName): string {
  return shellWord(`${namespace}/${name}`);
}
