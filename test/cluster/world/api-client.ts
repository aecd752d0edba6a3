/** The Kubernetes API over HTTPS, as far as the tests use it. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request as openRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { type JsonRecord, parseJsonRecord, parseRecord, parseString } from '../../emulator/json.ts';

export interface ApiResponse {
  readonly status: number;
  readonly body: JsonRecord;
}

/** One user of an API server. */
export interface ApiClient {
  /** Sends a request and returns its response, whatever the status is. */
  readonly request: (method: string, path: string, body?: object) => Promise<ApiResponse>;
  /** Gets an object or a list. Throws when the status is not 200. */
  readonly get: (path: string) => Promise<JsonRecord>;
  /** Creates an object or changes it, strictly: the API server refuses a field that it does not know. */
  readonly apply: (object: KubernetesObject) => Promise<JsonRecord>;
  /** Deletes an object at once. Succeeds when there is none. */
  readonly remove: (object: KubernetesObject) => Promise<void>;
  /** A token of a service account, for an hour. */
  readonly requestToken: (namespace: string, serviceAccount: string, audience?: string) => Promise<string>;
  /**
   * Watches the objects of a list, those that exist first, until `find` returns a value.
   * @param path the list, with its selectors: `/api/v1/namespaces/default/events?fieldSelector=…`
   * @param limitMs how long to watch before it fails with the last object that it saw.
   */
  readonly waitFor: <T>(path: string, find: (object: JsonRecord) => T | undefined, limitMs?: number) => Promise<T>;
  readonly close: () => void;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [member: string]: unknown };
  readonly [member: string]: unknown;
}

/** The kinds that belong to no namespace, among those that the tests create. */
const CLUSTER_KINDS = ['ClusterRole', 'ClusterRoleBinding', 'Namespace', 'Node'];

/** @param ca the PEM of the certificate that the server is trusted with. */
export function createApiClient(url: string, ca: string, token: string): ApiClient {
  const agent = new Agent({ ca, keepAlive: true });

  const open = async (method: string, path: string, body?: object, type = 'application/json') => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${token}`,
      ...(text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
    };
    const request = openRequest(`${url}${path}`, { method, agent, headers });
    request.end(text);
    const [response]: IncomingMessage[] = await once(request, 'response');
    if (response === undefined) throw new Error(`Cannot ${method} ${path}: there is no response`);
    return response;
  };

  const request = async (method: string, path: string, body?: object, type?: string): Promise<ApiResponse> => {
    const response = await open(method, path, body, type);
    const text = (await response.setEncoding('utf8').toArray()).join('');
    return { status: response.statusCode ?? 0, body: parseJsonRecord(text) ?? { text } };
  };

  const expectOk = async (method: string, path: string, body?: object, type?: string): Promise<JsonRecord> => {
    const response = await request(method, path, body, type);
    if (response.status >= 300) throw new Error(`Cannot ${method} ${path}: ${describe(response)}`);
    return response.body;
  };

  return {
    request: (method, path, body) => request(method, path, body),
    get: (path) => expectOk('GET', path),
    apply: (object) =>
      expectOk(
        'PATCH',
        `${pathOf(object)}?fieldManager=test&fieldValidation=Strict&force=true`,
        object,
        // JSON is YAML.
        'application/apply-patch+yaml',
      ),
    remove: async (object) => {
      const response = await request('DELETE', `${pathOf(object)}?gracePeriodSeconds=0`);
      if (response.status >= 300 && response.status !== 404) {
        throw new Error(`Cannot delete ${object.kind} ${object.metadata.name}: ${describe(response)}`);
      }
    },
    requestToken: async (namespace, serviceAccount, audience) => {
      const answer = await expectOk('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 3600, ...(audience === undefined ? {} : { audiences: [audience] }) },
      });
      const issued = parseString(parseRecord(answer['status'])?.['token']);
      if (issued === undefined) throw new Error(`Cannot get a token for ${serviceAccount}: the response has none`);
      return issued;
    },
    waitFor: async (path, find, limitMs = 30_000) => {
      // From whatever the server knows now. To begin with the newest state, it would wait for a change that may not come.
      const options = 'watch=true&resourceVersion=0';
      const response = await open('GET', `${path}${path.includes('?') ? '&' : '?'}${options}`);
      let last = `status ${response.statusCode}`;
      const timer = setTimeout(() => response.destroy(), limitMs);
      try {
        for await (const line of createInterface({ input: response })) {
          const object = parseRecord(parseJsonRecord(line)?.['object']);
          const found = object === undefined ? undefined : find(object);
          if (found !== undefined) return found;
          last = line;
        }
      } catch {
        // The time is over; the error below says what was seen.
      } finally {
        clearTimeout(timer);
        response.destroy();
      }
      throw new Error(`Cannot find what was watched in ${path} within ${limitMs} ms; the last line: ${last}`);
    },
    close: () => agent.destroy(),
  };
}

function pathOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const scope = CLUSTER_KINDS.includes(kind) ? '' : `/namespaces/${metadata.namespace ?? 'default'}`;
  return `${base}${scope}/${kind.toLowerCase()}s/${metadata.name}`;
}

function describe({ status, body }: ApiResponse): string {
  return `${status} ${parseString(body['message']) ?? JSON.stringify(body)}`;
}
