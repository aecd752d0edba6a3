import { chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkProgram, describeSudo, findSnapDocker } from '../../../../src/commands/clients/program-check.ts';
import type { OwnProgram } from '../../../../src/system/own-program.ts';
import { needRoot } from '../../other-user.ts';
import { useClientMachine } from './client-machine.ts';

type Form = OwnProgram['form'];

const machine = useClientMachine();

describe('the program that clients find', () => {
  const script = (name: string, ...lines: readonly string[]) =>
    machine.write(name, `#!/bin/sh\n${lines.join('\n')}\n`, 0o700);
  const check = (own?: string, env: Readonly<Record<string, string>> = {}, form: Form = 'executable') =>
    checkProgram(machine.runtime(env), own === undefined ? undefined : { form, file: own });

  test('is missing', async () => {
    expect(await check('/opt/docker-credential-acr')).toMatchObject({
      state: 'missing',
      file: undefined,
      fix: 'sudo ln -s /opt/docker-credential-acr /usr/local/bin/docker-credential-acr',
    });
  });

  test('is missing, and npm can put it there', async () => {
    const found = await check('/opt/bin/docker-credential-acr.js', {}, 'npm package');
    expect(found).toMatchObject({ state: 'missing', fix: 'npm install --global docker-credential-acr' });
  });

  test('is where only npm and npx look', async () => {
    const own = script('node_modules/docker-credential-acr/bin/docker-credential-acr.js', 'exit 1');
    mkdirSync(machine.path('node_modules/.bin'), { recursive: true });
    symlinkSync(own, machine.path('node_modules/.bin/docker-credential-acr'));
    const folder = machine.path('node_modules/.bin');
    expect(await check(own, { PATH: folder }, 'npm package')).toMatchObject({
      state: 'found',
      problem: `clients that npm does not start do not look in ${folder}`,
      fix: 'npm install --global docker-credential-acr',
    });
  });

  test('is this one, under a link', async () => {
    const own = script('opt/acr', 'exit 1');
    mkdirSync(machine.path('home/.local/bin'), { recursive: true });
    symlinkSync(own, machine.path('home/.local/bin/docker-credential-acr'));
    const found = await check(own, { PATH: machine.path('home/.local/bin') });
    expect(found).toMatchObject({ state: 'found', problem: undefined, fix: undefined });
  });

  test('is this one, in a folder that a desktop does not know', async () => {
    const own = script('bin/docker-credential-acr', 'exit 1');
    const fix = `sudo ln -s ${own} /usr/local/bin/docker-credential-acr`;
    const found = await check(own, { DISPLAY: ':0' });
    expect(found).toMatchObject({ state: 'found', problem: expect.stringContaining('desktop'), fix });
    expect(await check(own)).toMatchObject({ state: 'found', problem: undefined, fix: undefined });
  });

  test('is a copy of this one', async () => {
    script('bin/docker-credential-acr', 'echo "docker-credential-acr (docker-credential-acr) v0.0.9"');
    expect(await check('/opt/docker-credential-acr')).toMatchObject({ state: 'found' });
  });

  test.each([
    ['another', 'echo "docker-credential-acr (github.com/gaganhr94/docker-credential-acr) 1.0.2"', /gaganhr94/],
    ['one that writes control characters', 'printf "\\033[2Jx"', /version: \[2Jx\)$/],
    ['one that says nothing', 'exit 1', /version: nothing\)$/],
  ])('is %s', async (_name, line, problem) => {
    const file = script('bin/docker-credential-acr', line);
    const found = await check('/opt/docker-credential-acr');
    expect(found).toMatchObject({ state: 'other-program', file, problem: expect.stringMatching(problem) });
    expect(found.fix).toContain(file);
  });

  test('of docker is not one from a snap', () => {
    machine.write('bin/docker', '', 0o700);
    expect(findSnapDocker(machine.runtime())).toBeUndefined();
  });

  test('runs under sudo for the files of root', (context) => {
    needRoot(context);
    expect(describeSudo(machine.runtime())).toBeUndefined();
    const sudo = { SUDO_USER: 'ann', SUDO_UID: '12345' };
    expect(describeSudo(machine.runtime(sudo))).toMatch(/^under sudo, HOME is .*home: for the files of ann, /);
    mkdirSync(machine.path('home'));
    chownSync(machine.path('home'), 12_345, 12_345);
    expect(describeSudo(machine.runtime(sudo))).toBeUndefined();
  });
});
