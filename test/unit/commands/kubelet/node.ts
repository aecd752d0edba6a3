/** A node in a temporary folder: its file system, and an executable to install. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type InstallResult, installOnNode } from '../../../../src/commands/kubelet/install.ts';
import type { InstallRequest } from '../../../../src/commands/kubelet/install-plan.ts';
import type { NodeKubelet } from '../../../../src/commands/kubelet/node-kubelet.ts';
import { type UninstallResult, uninstallFromNode } from '../../../../src/commands/kubelet/uninstall.ts';
import { makeRuntime } from '../../runtime.ts';

export const BIN = '/opt/bin';
export const CONFIG = '/etc/kubernetes/provider.yaml';
export const PROVIDER = 'acr-credential-provider';
export const RECORD = `${BIN}/docker-credential-acr.installed.json`;

/** A CredentialProviderConfig with these providers. */
export function makeConfig(...names: readonly string[]): string {
  const providers = names.map(
    (name) => `  - name: ${name} # of ${name}
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    matchImages:
      - "*.example.test"
    defaultCacheDuration: 0s
`,
  );
  return `apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
${providers.join('')}`;
}

export class Node {
  readonly root: string;
  readonly executable: string;

  constructor(root: string, executable: string) {
    this.root = root;
    this.executable = executable;
    mkdirSync(root, { mode: 0o755 });
    writeFileSync(executable, 'version 1', { mode: 0o755 });
  }

  /** Where a path of the node is here. */
  at(path: string): string {
    return join(this.root, path);
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true, mode: 0o755 });
    writeFileSync(this.at(path), text);
    chmodSync(this.at(path), mode);
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  /** Everything on the node: mode and content of each file, the target of each link. */
  look(folder = '/'): Record<string, string> {
    const found: Record<string, string> = {};
    for (const name of readdirSync(this.at(folder)).sort()) {
      const path = join(folder, name);
      const stats = lstatSync(this.at(path));
      if (stats.isSymbolicLink()) found[path] = `-> ${readlinkSync(this.at(path))}`;
      else if (stats.isDirectory()) Object.assign(found, { [path]: 'folder' }, this.look(path));
      else found[path] = `${(stats.mode & 0o7777).toString(8)} ${this.read(path)}`;
    }
    return found;
  }

  install(changes: Partial<InstallRequest> = {}): InstallResult {
    return installOnNode(this.request(changes));
  }

  /** What an installation is asked for. */
  request(changes: Partial<InstallRequest> = {}): InstallRequest {
    return {
      runtime: makeRuntime(),
      hostRoot: this.root,
      binFolder: BIN,
      executable: this.executable,
      sha256: undefined,
      names: [],
      config: { path: CONFIG, text: makeConfig(PROVIDER) },
      files: [],
      ...changes,
    };
  }

  uninstall(kubelet: Partial<NodeKubelet> = {}): UninstallResult | undefined {
    return this.#uninstall(makeKubelet(kubelet), false);
  }

  /** Uninstalls where no kubelet is visible. */
  uninstallUnseen(areFlagsGone = false): UninstallResult | undefined {
    return this.#uninstall(undefined, areFlagsGone);
  }

  #uninstall(kubelet: NodeKubelet | undefined, areFlagsGone: boolean): UninstallResult | undefined {
    return uninstallFromNode({
      runtime: makeRuntime(),
      hostRoot: this.root,
      binFolder: BIN,
      kubelet,
      areFlagsGone,
    });
  }
}

/** A kubelet without flags for plug-ins. */
export function makeKubelet(changes: Partial<NodeKubelet> = {}): NodeKubelet {
  return {
    processId: 812,
    program: 'kubelet',
    isBuiltIn: false,
    configPath: undefined,
    binFolder: undefined,
    unit: 'kubelet.service',
    startedAtSeconds: undefined,
    isElsewhere: false,
    ...changes,
  };
}
