/** A node of Kubernetes on disk: the description of its kubelet's process, its configuration, and programs. */

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { CheckName, CheckResult, Status } from '../../src/commands/doctor/check.ts';
import { formatJson, formatReport, formatResults, formatSummary } from '../../src/commands/doctor/result-text.ts';
import { buildProviderConfig } from '../../src/commands/kubelet/config/provider-config.ts';
import { type ConfigOptions, readRequest } from '../../src/commands/kubelet/config/request.ts';
import { examineNode } from '../../src/commands/kubelet/doctor/doctor.ts';
import { type DoctorOptions, readNodeRequest } from '../../src/commands/kubelet/doctor/request.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import { makeTerminal } from '../unit/streams.ts';

/** How a run differs from that of an ordinary node. */
export interface NodeRun extends DoctorOptions {
  readonly image?: string;
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly pluginTimeoutMs?: number;
  readonly lastWordsMs?: number;
  readonly programFile?: string;
}

/** What was found, and what would be printed. */
export interface NodeSeen {
  readonly results: readonly CheckResult[];
  readonly text: string;
  readonly json: string;
  readonly report: string;
  /** `STATUS: WHAT` of each result of a check. */
  readonly linesOf: (check: CheckName) => readonly string[];
  /** The first result of a check with this status. */
  readonly find: (check: CheckName, status?: Status) => CheckResult | undefined;
}

/** A process of the node. */
export interface NodeProcess {
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly mountNamespace?: string;
  readonly startedAtMs?: number;
}

const BOOT_SECONDS = 1_700_000_000;

export class KubeletMachine {
  /** The folder in which `proc`, `etc` and `var` are. */
  readonly folder: string;
  readonly configFile: string;
  readonly binFolder: string;
  /** Takes the place of the built program. */
  readonly programFile: string;

  constructor() {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'acr-node-')));
    this.configFile = join(this.folder, 'etc', 'providers.yaml');
    this.binFolder = join(this.folder, 'opt', 'plugins');
    this.programFile = join(this.folder, 'usr', 'docker-credential-acr');
    mkdirSync(this.binFolder, { recursive: true });
    this.writeProgram(this.programFile, 'exit 7 # the program itself');
    this.link('acr-credential-provider');
    this.configure({});
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Writes what `kubelet config` would print. @param change changes its JSON. */
  configure(options: ConfigOptions, change: (text: string) => string = (text) => text): void {
    this.write(this.configFile, change(JSON.stringify(buildProviderConfig(readRequest(options)), undefined, 1)));
  }

  write(file: string, text: string): string {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  writeProgram(file: string, script: string, mode = 0o755): string {
    this.write(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, mode);
    return file;
  }

  /** Links a plug-in to the program. */
  link(name: string, target = this.programFile): void {
    rmSync(join(this.binFolder, name), { force: true });
    symlinkSync(target, join(this.binFolder, name));
  }

  /** Puts a script in place of the plug-in. */
  install(script: string, name = 'acr-credential-provider'): string {
    rmSync(join(this.binFolder, name), { force: true });
    return this.writeProgram(join(this.binFolder, name), script);
  }

  /** Describes a process as the system does. */
  startProcess(
    processId: number,
    { args, environment = {}, mountNamespace = 'mnt:[1]', startedAtMs }: NodeProcess,
  ): void {
    const own = join(this.folder, 'proc', String(processId));
    mkdirSync(join(own, 'ns'), { recursive: true });
    writeFileSync(join(own, 'cmdline'), args.map((arg) => `${arg}\0`).join(''));
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
    writeFileSync(join(own, 'environ'), variables.join(''));
    const ticks = startedAtMs === undefined ? 9_999_999_999 : (startedAtMs / 1000 - BOOT_SECONDS) * 100;
    writeFileSync(join(own, 'stat'), `${processId} (ku) be) S ${'0 '.repeat(18)}${Math.round(ticks)} 0 0\n`);
    writeFileSync(join(this.folder, 'proc', 'stat'), `cpu 1 2 3\nbtime ${BOOT_SECONDS}\n`);
    symlinkSync(mountNamespace, join(own, 'ns', 'mnt'));
    const self = join(this.folder, 'proc', 'self', 'ns');
    mkdirSync(self, { recursive: true });
    rmSync(join(self, 'mnt'), { force: true });
    symlinkSync('mnt:[1]', join(self, 'mnt'));
  }

  /** A kubelet with the two flags, and a program that says its version. */
  startKubelet(version: string, flags: readonly string[] = [], process: Partial<NodeProcess> = {}): void {
    const args = [
      '/usr/bin/kubelet',
      `--image-credential-provider-config=${this.configFile}`,
      ...['--image-credential-provider-bin-dir', this.binFolder],
      ...flags,
    ];
    this.startProcess(100, { args, environment: { HOME: join(this.folder, 'home') }, ...process });
    this.writeProgram(join(this.folder, 'proc', '100', 'exe'), `echo 'Kubernetes v${version}'`);
  }

  /** Runs every check. By default the configuration and the folder are named, and nothing is known of a kubelet. */
  async examine(run: NodeRun = {}): Promise<NodeSeen> {
    const { image, variables = {}, pluginTimeoutMs, lastWordsMs, programFile = this.programFile, ...options } = run;
    const { secrets, runtime } = this.#makeRuntime(variables);
    const terminal = makeTerminal();
    const request = readNodeRequest(options, image);
    let text = '';
    const { results, names } = await examineNode({
      ...{ runtime, terminal, log: undefined, programFile },
      ...request,
      options: { ...request.options, systemFolder: this.folder },
      ...(pluginTimeoutMs === undefined ? {} : { pluginTimeoutMs }),
      ...(lastWordsMs === undefined ? {} : { lastWordsMs }),
      show: (found) => {
        text += formatResults(found, terminal.style);
      },
    });
    text += formatSummary(results, terminal.style);
    const seen = {
      ...{ results, text },
      json: formatJson(runtime, request.target, results),
      report: formatReport({ platform: 'linux', arch: 'x64', node: '26' }, results, names),
    };
    for (const secret of secrets) {
      for (const written of [seen.text, seen.json, seen.report]) expect(written).not.toContain(secret);
    }
    return {
      ...seen,
      linesOf: (check) => results.filter((one) => one.check === check).map(({ status, what }) => `${status}: ${what}`),
      find: (check, status) =>
        results.find((one) => one.check === check && (status === undefined || one.status === status)),
    };
  }

  /** Examines what is not in use yet, for the newest version. */
  async examineFiles(run: NodeRun = {}): Promise<NodeSeen> {
    const named = { config: this.configFile, binDir: this.binFolder, kubernetesVersion: '1.36' };
    return await this.examine({ ...named, ...run });
  }

  #makeRuntime(variables: NodeRun['variables']): { runtime: Runtime; secrets: Set<string> } {
    const secrets = new Set<string>();
    const runtime: Runtime = {
      env: { PATH: process.env['PATH'], HOME: join(this.folder, 'home'), ...variables },
      platform: process.platform,
      programName: 'docker-credential-acr',
      now: Date.now,
      secrets,
      secretVariables: new Set(),
    };
    return { runtime, secrets };
  }
}
