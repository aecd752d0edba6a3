/** Which folders programs of the desktop search. */
import { expect, test } from 'vitest';
import { isKnownToDesktop } from '../../../src/system/desktop.ts';
import { makeRuntime } from '../runtime.ts';

const rows: readonly (readonly [platform: NodeJS.Platform, display: string, folder: string, isKnown: boolean])[] = [
  ['linux', ':0', '/usr/local/bin', true],
  ['linux', ':0', '/home/me/bin', true],
  ['linux', ':0', '/home/me/.local/bin', true],
  ['linux', ':0', '/opt/tools', false],
  ['linux', ':0', '/home/you/bin', false],
  ['linux', '', '/opt/tools', true],
  ['darwin', '', '/usr/local/bin', true],
  ['darwin', '', '/opt/homebrew/bin', false],
  ['darwin', '', '/home/me/bin', false],
  ['win32', '', 'C:\\tools', true],
];
for (const [platform, display, folder, isKnown] of rows) {
  test(`on ${platform} with the display "${display}", ${folder} is ${isKnown ? 'known' : 'unknown'}`, () => {
    const env = { HOME: '/home/me', DISPLAY: display };
    expect(isKnownToDesktop(makeRuntime(env, { platform }), folder)).toBe(isKnown);
  });
}

test('Wayland is a desktop too', () => {
  const runtime = makeRuntime({ HOME: '/home/me', WAYLAND_DISPLAY: 'wayland-0' }, { platform: 'linux' });
  expect(isKnownToDesktop(runtime, '/opt/tools')).toBe(false);
});
