/**
 * A machine on which the documents' commands can be typed: a throw-away home, this program from its sources, a few of the
 * system's own tools, and for everything else that a document may name a program that only notes how it was called.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../scripts/parts/command.ts';
import { ROOT } from './markdown.ts';

/** Programs that only note their arguments. */
const STAND_INS = [
  ...['docker', 'podman', 'skopeo', 'helm', 'az', 'kubectl', 'npm', 'install', 'ln', 'codesign', 'curl'],
  ...['git', 'diff', 'sha256sum', 'minisign', 'cosign', 'gh'],
];
/** Real ones, which change nothing outside of the home. Any other program is not found. */
const TOOLS = ['mkdir', 'mktemp', 'cat', 'sh'];

export interface ShellResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

export interface Sandbox {
  readonly home: string;
  /** Runs commands as in a script that stops at the first failure. */
  readonly run: (script: string, environment?: Environment) => Promise<ShellResult>;
  /** How the stand-ins were called, in order. */
  readonly calls: () => readonly string[];
  readonly remove: () => void;
}

export function createSandbox(): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'acr-docs-'));
  const below = (name: string) => join(folder, name);
  const [home, bin, tmp, callsFile] = [below('home'), below('bin'), below('tmp'), below('calls')];
  for (const path of [home, bin, tmp]) mkdirSync(path, { mode: 0o700 });
  writeFileSync(callsFile, '');
  const write = (name: string, script: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  for (const name of STAND_INS) write(name, `echo "${name} $*" >> '${callsFile}'`);
  write('sudo', `echo "sudo $*" >> '${callsFile}'; exec "$@"`);
  write('docker-credential-acr', `exec '${process.execPath}' '${join(ROOT, 'src', 'main.ts')}' "$@"`);
  for (const name of TOOLS) symlinkSync(findProgram(name) ?? name, join(bin, name));
  return {
    home,
    run: (script, environment = {}) =>
      runShell(script, home, {
        PATH: bin,
        HOME: home,
        TMPDIR: tmp,
        LANG: 'C.UTF-8',
        // Nothing listens there: no request leaves the machine, and no metadata service is found.
        HTTPS_PROXY: 'http://127.0.0.1:9',
        AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:9',
        ...environment,
      }),
    calls: () => readFileSync(callsFile, 'utf8').split('\n').slice(0, -1),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }),
  };
}

function runShell(script: string, folder: string, environment: Environment): Promise<ShellResult> {
  const shell = findProgram('bash');
  if (shell === undefined) throw new Error('There is no bash');
  return new Promise((resolve, reject) => {
    const args = ['--noprofile', '--norc', '-euo', 'pipefail', '-c', script];
    const child = spawn(shell, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const streams = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        streams[name] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ exitCode: code ?? 1, ...streams }));
  });
}

/** A text with the form of a registry's token, good for an hour. */
export function makeToken(): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const payload = { exp: Math.floor(Date.now() / 1000) + 3600, aud: 'myregistry.azurecr.io' };
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(payload)}.${'c2lnbmF0dXJl'.repeat(4)}`;
}

/** What a client does after `docker login` with a token. */
export function storeToken(sandbox: Sandbox, host: string, environment: Environment = {}): Promise<ShellResult> {
  const Username = '00000000-0000-0000-0000-000000000000';
  const payload = JSON.stringify({ ServerURL: host, Username, Secret: makeToken() });
  return sandbox.run(`echo '${payload}' | docker-credential-acr store`, environment);
}
