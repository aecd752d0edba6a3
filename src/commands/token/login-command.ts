/** Formats a token as a command for `sh` that logs a client in. The token is in the input, never in an argument. */

import { UsageError } from '../../terminal/failure.ts';
import type { ExposedToken } from './find-token.ts';

/** The clients with a login, by the beginning of their command. */
export const LOGIN_COMMANDS = { docker: 'docker login', helm: 'helm registry login' } as const;

/**
 * Formats the command with its input.
 * @returns the lines, to be piped into `sh`.
 * @throws UsageError for a password that a client would not read as it is.
 */
export function formatLogin(client: keyof typeof LOGIN_COMMANDS, token: ExposedToken): string {
  const { loginServer, username, secret } = token;
  // A client reads its input to the end, and takes away line ends.
  if (/[\r\n\0]/.test(secret)) throw new UsageError('The stored password has a line end, which no client can read');
  let end = 'END';
  while (secret === end) end += '_';
  return [
    `${LOGIN_COMMANDS[client]} ${quoteWord(loginServer)} --username ${quoteWord(username)} --password-stdin <<'${end}'`,
    secret,
    end,
    '',
  ].join('\n');
}

/** Makes one word of a text for `sh`, without changing it: a hint may do that, but a login may not. */
function quoteWord(text: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9.:-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
