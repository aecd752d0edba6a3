/** `login` of the built program: a device code, an opener of URLs, a real browser and a real terminal. */
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTextFile } from '../../scripts/parts/command.ts';
import { USER_NAME } from '../emulator/emulator.ts';
import { type Chromium, startChromium } from './world/chromium.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { findLeak } from './world/leak.ts';
import type { Machine } from './world/machine.ts';
import { needParts } from './world/parts.ts';
import { startTerminal } from './world/terminal.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const { emulator } = cloud;
const SIGNED_IN = new RegExp(
  `^Signed in as ${USER_NAME} \\(tenant [0-9a-f-]{36}\\)\\.\nGot a token of ${LOGIN_SERVER}, `,
);

beforeAll(() => {
  emulator.state.signIn.intervalSeconds = 1;
});

const addMachine = () => cloud.addMachine({ identity: 'nobody' });
const program = (machine: Machine) => join(machine.folder, 'bin', 'docker-credential-acr');

/** Puts an opener on PATH that writes down how it was called. @returns waits for the URL that it got. */
function addOpener(machine: Machine): () => Promise<string> {
  const [file, record] = [join(machine.folder, 'bin', 'xdg-open'), join(machine.folder, 'opened')];
  writeFileSync(
    file,
    `#!/bin/sh\n{ echo "$#"; echo "$1"; env; echo end; } > ${record}.new && mv ${record}.new ${record}\n`,
  );
  chmodSync(file, 0o700);
  return async () => {
    for (let tries = 0; !existsSync(record); tries += 1) {
      if (tries > 800) throw new Error('nothing was opened');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const [count, url = ''] = (readTextFile(record) ?? '').split('\n');
    expect(count).toBe('1');
    return url;
  };
}

const verifiers = () => emulator.requests.flatMap(({ form }) => form['code_verifier'] ?? []);

it('signs in with a device code, and get answers without another request', async () => {
  const machine = addMachine();
  const login = await machine.run(program(machine), ['login', LOGIN_SERVER, '--device-code']);
  expect(login.stderr).toMatch(
    /^Open this page on any device, and type the code:\n\n {2}https:\/\/microsoft\.com\/devicelogin\n/,
  );
  expect(login.stderr).toContain(`next: docker pull ${LOGIN_SERVER}/IMAGE\n`);
  expect(login.stdout).toMatch(SIGNED_IN);
  expect(login.exitCode).toBe(0);
  cloud.forget();
  const got = await machine.helper('get', LOGIN_SERVER);
  expect(got).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(got.stdout)).toMatchObject({ ServerURL: LOGIN_SERVER });
  expect(emulator.requests).toEqual([]);
});

it("opens the browser by the system's opener, with one argument and without a secret", async () => {
  const machine = addMachine();
  const opened = addOpener(machine);
  const environment = { SYSTEM_ACCESSTOKEN: 'a-secret-of-this-pipeline', DOCKER_CONFIG: join(machine.folder, 'none') };
  const login = machine.run(program(machine), ['login', LOGIN_SERVER, '--browser'], { environment });
  const url = await opened();
  const page = await emulator.browse(url);
  const { exitCode, stdout, stderr } = await login;
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('You are signed in') });
  expect(stdout).toMatch(SIGNED_IN);
  expect(stderr).toContain(`\n  ${url}\n`);
  expect(stderr).toContain(
    `next: no client uses this helper for ${LOGIN_SERVER} yet; run: docker-credential-acr configure ${LOGIN_SERVER}\n`,
  );
  expect(exitCode).toBe(0);
  const secrets = [...emulator.secrets, ...verifiers(), 'a-secret-of-this-pipeline'];
  expect(verifiers().length).toBeGreaterThan(0);
  for (const text of [readTextFile(join(machine.folder, 'opened')) ?? '', stdout, stderr, machine.log()]) {
    expect(findLeak(text, secrets)).toBeUndefined();
  }
});

describe('in a real browser', () => {
  /** Signs in with the browser. @returns what the program wrote. */
  async function signIn(chromium: Chromium, machine: Machine) {
    const opened = addOpener(machine);
    const login = machine.run(program(machine), ['login', LOGIN_SERVER, '--browser']);
    await chromium.open(await opened());
    await chromium.waitFor(`document.title.endsWith('– docker-credential-acr')`);
    return await login;
  }

  async function expectAccessible(chromium: Chromium, heading: string): Promise<void> {
    expect(await chromium.read('document.documentElement.lang')).toBe('en');
    expect(await chromium.read('document.title')).toBe(`${heading} – docker-credential-acr`);
    expect(await chromium.read(`[...document.querySelectorAll('h1')].map((one) => one.innerText)`)).toBe(heading);
    expect(await chromium.read(`document.querySelectorAll('main').length`)).toBe('1');
    const backgrounds: string[] = [];
    for (const scheme of ['light', 'dark'] as const) {
      await chromium.prefer(scheme);
      const [background = '', text = ''] = (
        await chromium.read(
          `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('p')).color].join('|')`,
        )
      ).split('|');
      expect(measureContrast(background, text), `${text} on ${background}`).toBeGreaterThanOrEqual(7);
      backgrounds.push(background);
    }
    expect(new Set(backgrounds).size).toBe(2);
  }

  it('says that the person is signed in, or why not, in words that everybody can read', async (context) => {
    needParts(context, 'chromium');
    const chromium = await startChromium(cloud);
    try {
      const machine = addMachine();
      const login = await signIn(chromium, machine);
      expect(login.exitCode).toBe(0);
      expect(login.stdout).toMatch(SIGNED_IN);
      expect(await chromium.read('document.body.innerText')).toBe(
        `You are signed in\n\nThe account is ${USER_NAME}.\n\nYou can close this tab and go back to the terminal.`,
      );
      // The code was in the body of a request: the address is that of the program, and the history holds no more.
      expect(await chromium.read('location.href')).toMatch(/^http:\/\/localhost:\d+\/$/);
      await expectAccessible(chromium, 'You are signed in');

      emulator.state.signIn.declines = true;
      const declined = await signIn(chromium, addMachine()).finally(() => {
        emulator.state.signIn.declines = false;
      });
      expect(declined.exitCode).toBe(1);
      expect(declined.stderr).toContain('the sign-in was declined (AADSTS65004)');
      expect(await chromium.read('document.body.innerText')).toBe(
        'You are not signed in\n\nThe sign-in was declined, and nothing was stored.\n\nYou can close this tab and go back to the terminal.\n\nthe sign-in was declined (AADSTS65004)',
      );
      await expectAccessible(chromium, 'You are not signed in');
      const hosts = chromium.requests().map((url) => new URL(url).hostname);
      expect(new Set(hosts)).toEqual(new Set(['login.microsoftonline.com', 'localhost']));
    } finally {
      await chromium.close();
    }
  });
});

it('shows in a terminal that it waits, and Ctrl-C leaves nothing', async (context) => {
  needParts(context, 'tmux');
  const machine = addMachine();
  const opened = addOpener(machine);
  const terminal = await startTerminal({
    command: [program(machine), 'login', LOGIN_SERVER, '--browser'],
    environment: machine.environment,
  });
  try {
    const redirect = new URL(await opened()).searchParams.get('redirect_uri') ?? '';
    await terminal.waitFor(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] Waiting for the browser \(Ctrl-C cancels\)/);
    expect((await fetch(redirect)).status).toBe(405);
    await terminal.press('C-c');
    expect(await terminal.exitCode()).toBe(130);
    await expect(fetch(redirect)).rejects.toThrow();
    expect(cloud.signIns()).toEqual([]);
    const files = readdirSync(join(machine.folder, 'home'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => name.includes('docker-credential-acr'))).toEqual([]);
  } finally {
    await terminal.close();
  }
});

/** The contrast of two colours such as `rgb(1, 2, 3)`. @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function measureContrast(one: string, other: string): number {
  const measure = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((text) => {
      const part = Number(text) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [lighter = 0, darker = 0] = [measure(one), measure(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}
