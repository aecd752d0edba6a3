/** `logout`: signs accounts out. */

import type { Command } from '@commander-js/extra-typings';
import { openStoredAccounts, type StoredAccount } from '../accounts/account-index.ts';
import { CredentialError } from '../errors.ts';
import { createQuote } from '../redact.ts';
import { shellWord } from '../shell-word.ts';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { withProgress } from '../terminal/progress.ts';
import { chooseSeveral } from '../terminal/prompts.ts';
import { type CommandContext, defineCommand, GROUPS } from './command.ts';

/** The command `logout`. */
export const LOGOUT = defineCommand({
  name: 'logout',
  group: GROUPS.setUp,
  summary: 'sign an account out that was signed in with "login"',
  details:
    'Removes the account, its refresh token, and every token that it earned. "docker logout" only erases what is stored for a registry: it signs nobody out. A token that a client has already received works until it expires.',
  examples: [
    ['logout', 'sign out the only account, or choose from a list'],
    ['logout ada@contoso.com', 'sign out one of several accounts'],
    ['logout --all', 'sign out everybody'],
  ],
  define: (command: Command) =>
    command
      .argument('[account]', 'a user name or an id, as "accounts" shows it')
      .option('--all', 'sign out every account'),
  run: async (context, { all = false }, name) => {
    const { runtime, terminal, log } = context;
    if (all && name !== undefined) {
      throw new UsageError('An account and --all exclude each other', { hint: 'leave out one of them' });
    }
    const accounts = openStoredAccounts(runtime);
    if (accounts.length === 0) {
      terminal.writeError('Nobody is signed in.\n');
      return EXIT.ok;
    }
    const chosen = all ? accounts : await choose(context, accounts, name);
    const { signOut } = await import('../accounts/sign-out.ts');
    const results = await withProgress(terminal, 'Signing out', signOut({ runtime, log }, chosen));
    const quote = createQuote(runtime);
    for (const { account, left } of results) {
      if (left === undefined) terminal.writeError(`Signed out ${quote(account.username, 100)}.\n`);
    }
    const failed = results.filter(({ left }) => left !== undefined);
    const [first] = failed;
    if (first === undefined) return EXIT.ok;
    throw new CredentialError('KEYCHAIN_FAILED', `Cannot erase everything of ${first.account.username}`, {
      causes: failed.map(({ account, left = '' }) => `${account.username}: ${left}`),
      hint: `unlock the keychain, or make the folder writable, then: docker-credential-acr logout ${shellWord(first.account.username)}`,
    });
  },
});

/** Finds the accounts that the person means. @throws UsageError, Cancelled */
async function choose(
  { runtime, terminal }: CommandContext,
  accounts: readonly StoredAccount[],
  name: string | undefined,
): Promise<readonly StoredAccount[]> {
  const quote = createQuote(runtime);
  if (name !== undefined) {
    const wanted = name.toLowerCase();
    const found = accounts.filter(({ id, username }) => [id, username].some((one) => one.toLowerCase() === wanted));
    if (found.length > 0) return found;
    const others = accounts.map(({ username }) => quote(username, 100)).join(', ');
    throw new UsageError(`There is no account ${quote(name, 100)}`, { hint: `the accounts are ${others}` });
  }
  if (accounts.length === 1) return accounts;
  const values = await chooseSeveral(
    terminal,
    { message: 'Which accounts do you want to sign out?', option: 'the name of an account, or --all' },
    accounts.map(({ username, authority, clientId }, index) => ({
      value: String(index),
      label: quote(username, 100),
      hint: quote(`${new URL(authority).host}, application ${clientId}`, 200),
    })),
  );
  return accounts.filter((_account, index) => values.includes(String(index)));
}
