/** `accounts`: the accounts that people signed in with. */

import type { Command } from '@commander-js/extra-typings';
import { openStoredAccounts, type StoredAccount } from '../accounts/account-index.ts';
import { CLOUDS } from '../clouds.ts';
import { createQuote } from '../redact.ts';
import { EXIT } from '../terminal/failure.ts';
import { formatColumns } from '../terminal/table.ts';
import { defineCommand, GROUPS } from './command.ts';

const STATES = {
  active: 'signed in',
  over: 'sign in again',
  'signed-out': 'signed out, but not erased: unlock the keychain, and log out again',
} as const;

/** The command `accounts`. */
export const ACCOUNTS = defineCommand({
  name: 'accounts',
  group: GROUPS.examine,
  summary: 'list the accounts that are signed in with "login"',
  details:
    'An asterisk marks the account that signs in to the registries of its cloud, except those for which another account was chosen. Starts no program and asks no server.',
  examples: [
    ['accounts', 'the accounts, with where their refresh tokens are'],
    ['accounts --json', 'the same for scripts, without any secret'],
  ],
  define: (command: Command) => command.option('--json', 'print the accounts as JSON'),
  run: async ({ runtime, terminal }, { json = false }) => {
    const accounts = openStoredAccounts(runtime);
    const isDefault = (account: StoredAccount) => account === findDefault(accounts, account.authority);
    if (json) {
      const facts = accounts.map((account) => ({ isDefault: isDefault(account), ...describe(account) }));
      terminal.write(`${JSON.stringify({ accounts: facts }, null, 2)}\n`);
      return EXIT.ok;
    }
    if (accounts.length === 0) {
      const hint = terminal.errorStyle('cyan', 'hint:');
      terminal.writeError(`Nobody is signed in.\n${hint} docker-credential-acr login\n`);
      return EXIT.ok;
    }
    const quote = createQuote(runtime);
    const rows = accounts.map((account) => {
      const { username, tenantId, tenants, cloud, registries, token, state } = describe(account);
      const allTenants = new Set([tenantId, ...Object.values(tenants)]);
      const cells = [username, [...allTenants].join(' '), cloud, registries.join(' '), token, STATES[state]];
      return [isDefault(account) ? '*' : ' ', ...cells.map((cell) => quote(cell, 200))];
    });
    const titles = ['', 'ACCOUNT', 'TENANT', 'CLOUD', 'REGISTRIES', 'TOKEN', 'STATE'];
    terminal.write(formatColumns([titles.map((title) => terminal.style('bold', title)), ...rows]));
    return EXIT.ok;
  },
});

/** The account that signs in at an authority when nothing chooses another one. */
function findDefault(accounts: readonly StoredAccount[], authority: string): StoredAccount | undefined {
  return accounts.find((one) => one.authority === authority && one.state !== 'signed-out');
}

/** The facts about an account, without the claims that Entra asked for, which nobody can read. */
function describe({
  username,
  id,
  tenantId,
  authority,
  clientId,
  registries,
  keychain,
  state,
  ...account
}: StoredAccount) {
  const cloud = CLOUDS.find((one) => one.authority === authority)?.name ?? new URL(authority).host;
  const place = keychain === undefined ? 'file' : `keychain (${keychain})`;
  const token = state === 'over' ? 'none' : place;
  const tenants = Object.fromEntries(account.tenants);
  return { username, id, tenantId, tenants, cloud, authority, clientId, registries, token, state };
}
