/** Runs the checks of `doctor` in process on a machine whose clients, programs and files the test chooses. */

import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { CheckName, CheckResult, Status } from '../../src/commands/doctor/check.ts';
import { type Diagnosis, examine } from '../../src/commands/doctor/doctor.ts';
import { formatJson, formatReport, formatResults } from '../../src/commands/doctor/result-text.ts';
import { parseTarget } from '../../src/commands/doctor/target.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import { makeTerminal } from '../unit/streams.ts';
import { CLIENT_SECRET_VARIABLES, REGISTRY, type World } from './world.ts';

/** How one run differs from that of a machine that works. */
export interface DiagnosisOptions {
  readonly target?: string | undefined;
  /** Changes to the environment; `undefined` removes a variable. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly lookUp?: ((host: string) => Promise<readonly string[]>) | undefined;
  readonly budgetMs?: number;
  readonly platform?: NodeJS.Platform;
  readonly programName?: string;
}

/** What a run found, and what it would print. */
export interface Seen extends Diagnosis {
  readonly text: string;
  readonly json: string;
  readonly report: string;
  /** The first result of a check with this status. */
  readonly find: (check: CheckName, status?: Status) => CheckResult | undefined;
}

/** The folder of programs of the machine, and a home with Docker's configuration. */
export class DoctorMachine {
  readonly bin: string;
  readonly home: string;
  readonly dockerFile: string;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.home = join(world.folder, 'doctor-home');
    this.bin = join(this.home, 'bin');
    this.dockerFile = join(this.home, '.docker', 'config.json');
    this.reset();
  }

  /** This program is on PATH, and Docker asks it for the registry. */
  reset(): void {
    rmSync(this.home, { recursive: true, force: true });
    rmSync(this.#world.dataFolder, { recursive: true, force: true });
    mkdirSync(this.bin, { recursive: true });
    this.install('docker-credential-acr', `exec '${process.execPath}' -e '' `);
    this.write(this.dockerFile, { credHelpers: { [REGISTRY]: 'acr' } });
  }

  /** Puts a shell script on PATH. */
  install(name: string, script: string): string {
    const file = join(this.bin, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  write(file: string, content: unknown): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }

  /** The environment: that of the world with an identity, but with the programs and the home of this machine. */
  environment(changes: DiagnosisOptions['variables'] = {}): Readonly<Record<string, string | undefined>> {
    return {
      ...this.#world.variables,
      ...CLIENT_SECRET_VARIABLES,
      HOME: this.home,
      PATH: `${this.bin}:/nowhere`,
      XDG_RUNTIME_DIR: join(this.home, 'run'),
      ...changes,
    };
  }

  async diagnose(options: DiagnosisOptions = {}): Promise<Seen> {
    const { target = REGISTRY, variables, lookUp, budgetMs, platform = process.platform, programName } = options;
    const runtime: Runtime = {
      env: this.environment(variables),
      platform,
      programName: programName ?? 'docker-credential-acr',
      now: () => Date.now() + this.#world.aheadSeconds * 1000,
      secrets: new Set(),
      secretVariables: new Set(),
    };
    const terminal = makeTerminal();
    const parsed = target === '' ? undefined : parseTarget(target);
    let text = '';
    const diagnosis = await examine({
      ...{ runtime, terminal, log: undefined, target: parsed, lookUp },
      programFile: join(this.bin, 'docker-credential-acr'),
      ...(budgetMs === undefined ? {} : { budgetMs }),
      show: (results) => {
        text += formatResults(results, terminal.style);
      },
    });
    const { results, names } = diagnosis;
    const seen = {
      ...diagnosis,
      text,
      json: formatJson(runtime, parsed, results),
      report: formatReport({ platform, arch: 'x64', node: '26' }, results, names),
      find: (check: CheckName, status?: Status) =>
        results.find((one) => one.check === check && (status === undefined || one.status === status)),
    };
    for (const secret of this.#world.emulator.secrets) {
      for (const written of [seen.text, seen.json, seen.report]) expect(written).not.toContain(secret);
    }
    return seen;
  }
}
