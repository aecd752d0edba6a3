/** The leak scan that watches every other test finds a secret in every form. */
import { describe, expect, it } from 'vitest';
import { CLIENT_SECRET } from '../emulator/state.ts';
import { findLeak } from './world/leak.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();

const SECRET = 'abc8Q~x._-y+/z=&1%2Bw_~9';

describe('findLeak', () => {
  it.each([
    ['as it is', SECRET],
    ['in a URL', encodeURIComponent(SECRET)],
    ['in a form', new URLSearchParams({ client_secret: SECRET }).toString()],
    ['in JSON', JSON.stringify({ secret: `${SECRET}"` })],
    ['in a Basic header', Buffer.from(`user:${SECRET}`).toString('base64')],
    ['in base64 at any offset', Buffer.from(`ab${SECRET}cd`).toString('base64')],
    ['in base64url', Buffer.from(`a${SECRET}`).toString('base64url')],
  ])('finds a secret %s', (_form, text) => {
    expect(findLeak(`before ${text} after`, [SECRET])).toContain('a secret');
  });
});

it('findLeak returns undefined for a text without the secret', () => {
  expect(findLeak('AADSTS7000215: Invalid client secret provided.', [SECRET])).toBeUndefined();
});

it('a run fails when a program prints a secret or gets one as an argument', async () => {
  const machine = cloud.addMachine();
  await expect(machine.run('/bin/sh', ['-c', 'echo "$AZURE_CLIENT_SECRET"'])).rejects.toThrow(/^stdout of .* holds/);
  await expect(machine.run('/bin/sh', ['-c', 'env >&2'])).rejects.toThrow(/^stderr of .* holds/);
  await expect(machine.run('/bin/echo', [CLIENT_SECRET])).rejects.toThrow(/^the command line of .* holds/);
});
