/** The token in the output of a command. */
import { describe, expect, test } from 'vitest';
import { readCommandToken } from '../../../../src/identity/command/command-token.ts';

const TOKEN = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln';

describe('readCommandToken', () => {
  test.each([
    [TOKEN],
    [`${TOKEN}\n`],
    [`\r\n ${TOKEN} \r\n`],
    [JSON.stringify({ accessToken: TOKEN })],
    [JSON.stringify({ access_token: TOKEN, token_type: 'Bearer' })],
    [JSON.stringify({ token: TOKEN })],
    [JSON.stringify({ token: 'other', accessToken: TOKEN }, undefined, 2)],
    [JSON.stringify({ accessToken: '', access_token: 7, token: TOKEN })],
  ])('finds the token in %j', (stdout) => {
    expect(readCommandToken(stdout)).toBe(TOKEN);
  });

  test.each([
    [''],
    [' \n'],
    ['{}'],
    ['[]'],
    ['null null'],
    [JSON.stringify([TOKEN])],
    [JSON.stringify(TOKEN)],
    [JSON.stringify({ accessToken: { token: TOKEN } })],
    [JSON.stringify({ token: `${TOKEN}\nx` })],
    [`${TOKEN}\n${TOKEN}`],
    [`Bearer ${TOKEN}`],
    [`warning: expires soon\n${TOKEN}`],
    ['<html>'],
  ])('finds no token in %j', (stdout) => {
    expect(readCommandToken(stdout)).toBeUndefined();
  });
});
