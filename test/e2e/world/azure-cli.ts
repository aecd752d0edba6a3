/** The real Azure CLI on a throw-away machine, behind a wrapper that records how it was started. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readTextFile } from '../../../scripts/parts/command.ts';
import type { Machine } from './machine.ts';
import { partOf } from './parts.ts';
import type { RunResult } from './process.ts';

type Variables = Readonly<Record<string, string>>;

/** A service principal with its secret or certificate. */
export interface Account {
  readonly clientId: string;
  readonly tenantId: string;
  readonly secret?: string;
  readonly certificateFile?: string;
}

export interface AzureCli {
  /** Puts the CLI on PATH, and keeps it quiet. */
  readonly environment: Variables;
  /** Runs `az` and expects it to succeed without output. */
  readonly run: (args: readonly string[], environment?: Variables) => Promise<void>;
  /** Signs in without a secret on a command line. */
  readonly signIn: (account: Account, environment?: Variables) => Promise<void>;
  /** How it was started since the last `forgetCalls`: the arguments, separated by blanks. */
  readonly calls: () => readonly string[];
  readonly forgetCalls: () => void;
}

/** Installs `az` on a machine, without an account. */
export function installAzureCli(machine: Machine): AzureCli {
  const callsFile = join(machine.folder, 'az-calls');
  const folder = join(machine.folder, 'az-bin');
  mkdirSync(folder);
  const az = join(folder, 'az');
  writeFileSync(az, `#!/bin/sh\necho "$*" >>'${callsFile}'\nexec '${partOf('az')}' "$@"\n`, { mode: 0o755 });
  const environment = {
    PATH: `${folder}:${machine.environment['PATH'] ?? ''}`,
    AZURE_CORE_COLLECT_TELEMETRY: 'no',
    AZURE_CORE_ONLY_SHOW_ERRORS: 'yes',
  };
  const run: AzureCli['run'] = async (args, more = {}) => {
    const options = { environment: { ...environment, ...more } };
    const result: RunResult = await machine.run(az, [...args, '--output', 'none'], options);
    expect(result).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  };
  return {
    environment,
    run,
    signIn: async ({ clientId, tenantId, secret, certificateFile }, more) => {
      const secretFile = join(machine.folder, `secret-${clientId}`);
      if (secret !== undefined) writeFileSync(secretFile, secret, { mode: 0o600 });
      // `az` reads an argument from a file when it begins with an @.
      const proof = certificateFile === undefined ? ['-p', `@${secretFile}`] : ['--certificate', certificateFile];
      await run(['login', '--service-principal', '-u', clientId, ...proof, '--tenant', tenantId], more);
    },
    calls: () => (readTextFile(callsFile) ?? '').split('\n').slice(0, -1),
    forgetCalls: () => writeFileSync(callsFile, ''),
  };
}
