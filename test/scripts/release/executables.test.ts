/** Which executables a release may contain. */
import { expect, test } from 'vitest';
import { TARGETS, type Target } from '../../../scripts/build/target.ts';
import { assertComplete } from '../../../scripts/release/executables.ts';

const finish = { text: 'library path: yes', isComplete: true };

function targetFor(os: Target['os']): Target {
  const target = TARGETS.find((one) => one.os === os);
  if (target === undefined) throw new Error(`no target for ${os}`);
  return target;
}

test.each([
  ['stripped and finished', targetFor('linux'), undefined],
  ['for Windows, whose Node comes without symbols', targetFor('win'), 'Node for Windows comes without symbols'],
])('an executable may be released that is %s', (_what, target, notStripped) => {
  expect(() => assertComplete({ target, finish, ...(notStripped === undefined ? {} : { notStripped }) })).not.toThrow();
});

test('an executable with the symbols of Node may not be released', () => {
  const binary = { target: targetFor('macos'), finish, notStripped: 'there is no strip for it here' };
  expect(() => assertComplete(binary)).toThrow(
    'Cannot release macos-x64: not stripped: there is no strip for it here; install binutils, llvm and patchelf',
  );
});

test('an executable without its library path may not be released', () => {
  const unfinished = { text: 'library path: no, patchelf is missing', isComplete: false };
  expect(() => assertComplete({ target: targetFor('linux'), finish: unfinished })).toThrow(
    'Cannot release linux-x64: library path: no, patchelf is missing; install binutils, llvm and patchelf',
  );
});
