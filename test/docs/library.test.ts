/** The TypeScript of the documents is checked by the compiler, and run against the emulator. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Emulator, startEmulator } from '../emulator/emulator.ts';
import { CLIENT_ID, CLIENT_SECRET, NULL_GUID, TENANT_ID } from '../emulator/state.ts';
import { blocksOf, ROOT } from './markdown.ts';

/** What the blocks print, in their order. */
const EXPECTATIONS: readonly (readonly [begins: string, printed: RegExp])[] = [
  ['const credential', new RegExp(`^${NULL_GUID} with \\d{3,} characters, until 20\\d\\d-[^\\n]*Z\\n$`)],
  ['try {', /^CONFIG_INVALID Cannot use [^\n]*registires[^\n]*\n/],
  ['const provider', new RegExp(`^start ours \\n[\\s\\S]*\\n${NULL_GUID}\\n`)],
  ['const serveraddress', /^myregistry\.azurecr\.io\n$/],
];

const folder = mkdtempSync(join(tmpdir(), 'acr-library-'));
const blocks = blocksOf('ts');
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
  const library = join(ROOT, 'src/library/library.ts');
  const installed = join(folder, 'node_modules/docker-credential-acr');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
  writeFileSync(join(installed, 'index.js'), `export * from ${JSON.stringify(library)};\n`);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [index, block] of blocks.entries()) writeFileSync(join(folder, `${index}.ts`), block.text);
  const compilerOptions = {
    paths: { 'docker-credential-acr': [library] },
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  const project = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
});
afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(...args: readonly string[]) {
  const env = {
    ...emulator.environment(),
    ...{ HOME: folder, AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: CLIENT_SECRET },
  };
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { exitCode, stdout, stderr };
}

test('every block has an expectation', () => {
  expect(blocks.map(({ text: code }) => code.split('\n\n')[1]?.split(/ =|\n/)[0])).toEqual(
    EXPECTATIONS.map(([begins]) => begins),
  );
});

test('the compiler accepts all blocks', async () => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  expect(await run(tsc, '--project', folder)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});

describe('a block does what it says:', () => {
  test.each(EXPECTATIONS.map((row, index) => [row[0], row[1], index] as const))(
    '%s',
    async (_begins, printed, index) => {
      const { exitCode, stdout, stderr } = await run('--no-warnings', join(folder, `${index}.ts`));
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(printed);
    },
  );
});
