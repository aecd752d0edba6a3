/** The plug-in on a node, asked by the kubelet's own code: `reference-kubelet`. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJsonRecord, parseRecord, parseString } from '../../emulator/json.ts';
import type { Machine, MachineRunOptions } from './machine.ts';
import { PROGRAM, partOf } from './parts.ts';

export const PROVIDER_VERSION = 'credentialprovider.kubelet.k8s.io/v1';

/** How the program comes into the folder of the plug-ins. */
export type Installation = 'link' | 'copy';

/** What a kubelet's configuration says of the plug-in. */
export interface Plugin {
  /** The file's name in the folder of the plug-ins. */
  readonly name: string;
  readonly args?: readonly string[];
  /** Added to the environment of the kubelet. */
  readonly env?: Readonly<Record<string, string>>;
  /** The audience of the service accounts' tokens; without one the plug-in gets none. */
  readonly audience?: string;
}

export interface PullOptions extends MachineRunOptions {
  /** Flags of `reference-kubelet`. */
  readonly flags?: readonly string[];
}

/** What the kubelet offers the runtime for one image, in this order. */
export interface Pull {
  readonly image: string;
  readonly credentials: readonly { readonly username: string; readonly password: string }[];
  readonly durationMs: number;
}

/** A node with the plug-in. */
export interface TestNode {
  /** The path of the plug-in. */
  readonly file: string;
  /** Looks for the credentials of images, as a kubelet does. */
  readonly pull: (images: readonly string[], options?: PullOptions) => Promise<Pulls>;
  /** The same for one image. @param flags of `reference-kubelet`. */
  readonly pullOne: (image: string, flags?: readonly string[]) => Promise<Pull>;
}

/** What a kubelet found, in the order of the images. */
export interface Pulls {
  readonly found: readonly Pull[];
  /** The log of the kubelet. */
  readonly log: string;
}

const MATCHED = [
  ...['*.azurecr.io', '*.azurecr.io:443', '*.*.geo.azurecr.io'],
  ...['docker.io', 'mcr.microsoft.com', 'mirror.test:5000', 'registry.contoso.com', 'edge.local:5000'],
];

let created = 0;

/** Puts the plug-in on a machine, and writes the kubelet's configuration. */
export function createNode(machine: Machine, plugin: Plugin, installation: Installation = 'link'): TestNode {
  created += 1;
  const folder = join(machine.folder, `node-${created}`);
  const binFolder = join(folder, 'plugins');
  mkdirSync(binFolder, { recursive: true });
  const file = join(binFolder, plugin.name);
  if (installation === 'link') symlinkSync(PROGRAM, file);
  else copyFileSync(PROGRAM, file);
  const configFile = join(folder, 'credential-provider.json');
  writeFileSync(configFile, JSON.stringify(formatConfig(plugin)));
  const pull: TestNode['pull'] = async (images, { flags = [], ...options } = {}) => {
    const args = ['-config', configFile, '-bin-dir', binFolder, ...flags, ...images];
    const { exitCode, stdout, stderr } = await machine.run(partOf('reference-kubelet'), args, {
      printsSecret: true,
      ...options,
    });
    if (exitCode !== 0) throw new Error(`reference-kubelet failed: ${stderr}`);
    return { found: stdout.trimEnd().split('\n').map(parsePull), log: stderr };
  };
  const pullOne: TestNode['pullOne'] = async (image, flags = []) => {
    const { found } = await pull([image], { flags });
    if (found[0] === undefined) throw new Error('the kubelet gave no answer');
    return found[0];
  };
  return { file, pull, pullOne };
}

function formatConfig({ name, args, env = {}, audience }: Plugin): object {
  const annotations = ['docker-credential-acr/', 'kubernetes.azure.com/acr-'].flatMap((prefix) => [
    `${prefix}client-id`,
    `${prefix}tenant-id`,
  ]);
  const tokenAttributes = {
    ...{ serviceAccountTokenAudience: audience, requireServiceAccount: false, cacheType: 'ServiceAccount' },
    optionalServiceAccountAnnotationKeys: annotations,
  };
  const provider = {
    ...{ name, args, apiVersion: PROVIDER_VERSION, matchImages: MATCHED, defaultCacheDuration: '10m' },
    env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    ...(audience === undefined ? {} : { tokenAttributes }),
  };
  return { apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers: [provider] };
}

function parsePull(line: string): Pull {
  const { image, credentials, error, ms } = parseJsonRecord(line) ?? {};
  if (error !== undefined || !Array.isArray(credentials)) throw new Error(`No answer of reference-kubelet: ${line}`);
  return {
    image: parseString(image) ?? '',
    credentials: credentials.map((one: unknown) => {
      const { username, password } = parseRecord(one) ?? {};
      return { username: parseString(username) ?? '', password: parseString(password) ?? '' };
    }),
    durationMs: typeof ms === 'number' ? ms : Number.NaN,
  };
}

/** A request of a kubelet, for calls without one. */
export function formatRequest(image: string, account: object = {}): string {
  return JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion: PROVIDER_VERSION, image, ...account });
}
