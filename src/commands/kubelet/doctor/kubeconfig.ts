/**
 * Reads a kubeconfig: how its current context reaches the API server, and who it is there. Programs that a kubeconfig
 * names are not run.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */

import { dirname, resolve } from 'node:path';
import { CredentialError, describeCause } from '../../../errors.ts';
import { asJsonObject, asText, type JsonObject } from '../../../json.ts';
import { formatBaseUrl, parsePlainUrl } from '../../../network/plain-url.ts';
import { createQuote } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import { readForeignFile } from '../../../system/files.ts';
import type { Runtime } from '../../../system/runtime.ts';
import { parseYaml } from './yaml-text.ts';

/** An API server, and who asks it. */
export interface ClusterAccess {
  /** `https://HOST[:PORT]`, without a slash at the end. */
  readonly server: string;
  /** PEM of the certificates to trust; `undefined` for those of the machine. */
  readonly certificates: string | undefined;
  readonly serverName: string | undefined;
  readonly token: string | undefined;
  /** PEM texts. */
  readonly clientCertificate: { readonly certificate: string; readonly key: string } | undefined;
}

const MAX_BYTES = 1024 * 1024;
/** Where kubelets have their own, by installer: kubeadm and AKS, k3s, rke2. */
const NODE_KUBECONFIG = '/var/lib/kubelet/kubeconfig or /etc/kubernetes/kubelet.conf';

/** Reads the current context. Adds its secrets to those of the run. @throws CONFIG_INVALID */
export function readKubeconfig(runtime: Runtime, file: string): ClusterAccess {
  const reader = new KubeconfigReader(runtime, file);
  return reader.readAccess();
}

class KubeconfigReader {
  readonly #runtime: Runtime;
  readonly #file: string;

  constructor(runtime: Runtime, file: string) {
    this.#runtime = runtime;
    this.#file = file;
  }

  readAccess(): ClusterAccess {
    const text = this.#readFile(this.#file);
    const { value, mistakes } = parseYaml(text);
    const [mistake] = mistakes;
    if (mistake !== undefined) throw this.#refuse(`line ${mistake.line ?? 1} is not valid YAML`);
    const config = asJsonObject(value) ?? {};
    const contextName = asText(config['current-context']);
    if (contextName === undefined) throw this.#refuse('it has no current-context', 'kubectl config use-context NAME');
    const context = this.#find(config, 'contexts', contextName, 'context');
    const cluster = this.#find(config, 'clusters', asText(context['cluster']) ?? '', 'cluster');
    const user = this.#find(config, 'users', asText(context['user']) ?? '', 'user');
    return { ...this.#readCluster(cluster), ...this.#readUser(user) };
  }

  #readCluster(cluster: JsonObject): Pick<ClusterAccess, 'server' | 'certificates' | 'serverName'> {
    const server = asText(cluster['server']) ?? '';
    const url = parsePlainUrl(server);
    if (url === undefined) throw this.#refuse(`its server ${this.#quote(server)} is not an https URL`);
    if (cluster['insecure-skip-tls-verify'] === true) {
      const hint = 'name the certificate of the cluster with certificate-authority instead of insecure-skip-tls-verify';
      throw this.#refuse('it does not check who the server is, so this program sends it no token', hint);
    }
    return {
      server: formatBaseUrl(url),
      certificates: this.#readPem(cluster, 'certificate-authority'),
      serverName: asText(cluster['tls-server-name']),
    };
  }

  #readUser(user: JsonObject): Pick<ClusterAccess, 'token' | 'clientCertificate'> {
    const program = asText(asJsonObject(user['exec'])?.['command']);
    const certificate = this.#readPem(user, 'client-certificate');
    const key = this.#readPem(user, 'client-key') ?? certificate;
    const tokenFile = asText(user['tokenFile']);
    const token = tokenFile === undefined ? asText(user['token']) : this.#readFile(this.#resolve(tokenFile)).trim();
    for (const secret of [token, key]) if (secret !== undefined) this.#runtime.secrets.add(secret);
    if (token === undefined && certificate === undefined) {
      const how =
        program === undefined ? 'its user has neither a token nor a certificate' : this.#describeProgram(program);
      throw this.#refuse(how, `name the kubelet's own with --kubeconfig: ${NODE_KUBECONFIG}`);
    }
    const clientCertificate =
      certificate === undefined || key === undefined || !key.includes('PRIVATE KEY-----')
        ? undefined
        : { certificate, key };
    return { token, clientCertificate };
  }

  #describeProgram(program: string): string {
    return `its user signs in by the program ${this.#quote(program)}, which this program does not run`;
  }

  #find(config: JsonObject, list: string, name: string, kind: string): JsonObject {
    const entries: readonly unknown[] = Array.isArray(config[list]) ? config[list] : [];
    const entry = entries.map(asJsonObject).find((one) => one?.['name'] === name);
    const found = asJsonObject(entry?.[kind]);
    if (found === undefined) throw this.#refuse(`it has no ${kind} ${this.#quote(name)}`, 'kubectl config view');
    return found;
  }

  /** Reads a PEM text that stands in the file in base64, or in a file of its own. */
  #readPem(object: JsonObject, name: string): string | undefined {
    const data = asText(object[`${name}-data`]);
    const file = asText(object[name]);
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    return file === undefined ? undefined : this.#readFile(this.#resolve(file));
  }

  #resolve(file: string): string {
    return resolve(dirname(this.#file), file);
  }

  #readFile(file: string): string {
    let reason = 'there is no such file';
    try {
      const text = readForeignFile(file, MAX_BYTES);
      if (text !== undefined) return text;
    } catch (cause) {
      reason = describeCause(cause);
    }
    throw new CredentialError('CONFIG_INVALID', `Cannot read ${this.#quote(file)}: ${reason}`, {
      hint: `sudo ls -l ${shellWord(file)}`,
    });
  }

  #quote(text: string): string {
    return createQuote(this.#runtime)(text, 200);
  }

  #refuse(why: string, hint = `kubectl config view --kubeconfig ${shellWord(this.#file)}`): CredentialError {
    return new CredentialError('CONFIG_INVALID', `Cannot use the kubeconfig ${this.#quote(this.#file)}: ${why}`, {
      hint,
    });
  }
}
