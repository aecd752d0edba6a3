/** The facts of `status` as text: a table or blocks for a person, one fact a line for other programs. */

import { createQuote, type Quote } from '../../redact.ts';
import type { Runtime } from '../../system/runtime.ts';
import { formatColumns, widthOf } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { wrapText } from '../../terminal/wrap.ts';
import { formatIdentity } from './identity-words.ts';
import type { AccountStatus, CredentialKind, RegistryStatus, Status, TokenStatus } from './status.ts';
import { formatAge } from './time.ts';

/** A fact: what it is about, and a short text. */
type Fact = readonly [label: string, value: string];

/** A thing with its facts. Those of a section have the same labels. */
interface Item {
  readonly name: string;
  readonly facts: readonly Fact[];
}

interface Section {
  readonly title: string;
  /** What one of the items is, at the beginning of a line. */
  readonly kind: string;
  readonly items: readonly Item[];
}

const MAX_PATH = 4096;

/** Formats the facts. @returns no text when there is none. */
export function formatStatus(runtime: Runtime, terminal: Terminal, status: Status): string {
  const sections = listSections(runtime, status).filter(({ items }) => items.length > 0);
  if (!terminal.isOutputSeen) return sections.map(formatLines).join('');
  return sections.map((section) => formatSection(terminal, section)).join('\n');
}

function listSections(runtime: Runtime, status: Status): readonly Section[] {
  const quote = createQuote(runtime);
  const nowSeconds = runtime.now() / 1000;
  const token = (one: TokenStatus) => listTokenFacts(quote, nowSeconds, one);
  return [
    {
      title: 'Registries',
      kind: 'registry',
      items: status.registries.map((one) => ({ name: quote(one.server), facts: listRegistryFacts(quote, one) })),
    },
    { title: 'Identity', kind: 'identity', items: status.registries.length > 0 ? [] : listIdentity(quote, status) },
    {
      title: 'Cached tokens',
      kind: 'token',
      items: status.tokens.map((one) => ({ name: quote(one.registry ?? ''), facts: token(one) })),
    },
    {
      title: 'Tokens that a client stored',
      kind: 'stored-token',
      items: status.storedTokens.map((one) => ({ name: quote(one.registry ?? ''), facts: token(one) })),
    },
    {
      title: 'Entra tokens',
      kind: 'entra-token',
      items: status.entraTokens.map((one) => ({ name: quote(one.scope ?? one.kind), facts: token(one) })),
    },
    {
      title: 'Stored logins',
      kind: 'login',
      items: status.logins.map(({ server, username, storedIn }) => ({
        name: quote(server),
        facts: [
          ['user', quote(username)],
          ['stored in', formatPlace(storedIn)],
        ],
      })),
    },
    {
      title: 'Signed-in accounts',
      kind: 'account',
      items: status.accounts.map(({ username, tenant, registries, state, storedIn }) => ({
        name: quote(username),
        facts: [
          ['tenant', quote(tenant)],
          ['registries', registries.length === 0 ? 'any' : quote(registries.join(', '))],
          ['state', STATES[state]],
          ['stored in', formatPlace(storedIn)],
        ],
      })),
    },
  ];
}

const STATES: Readonly<Record<AccountStatus['state'], string>> = {
  active: 'signed in',
  over: 'sign in again',
  'signed-out': 'signed out, but not erased',
};

function formatPlace(storedIn: string): string {
  return storedIn === 'file' ? 'a file' : `the keychain (${storedIn})`;
}

/** Without a registry: the identity that any would be answered with. */
function listIdentity(quote: Quote, { identity: { identity } }: Status): readonly Item[] {
  if (identity?.isCertain !== true) return [];
  return [{ name: 'any registry', facts: [['identity', quote(formatIdentity(identity.description))]] }];
}

const WORDS: Readonly<Record<CredentialKind, string>> = {
  login: 'a stored login',
  'stored-token': 'a token that a client stored',
  identity: 'its identity',
  none: 'nothing',
};

function listRegistryFacts(
  quote: Quote,
  { clients, entry, credential, identity, reason }: RegistryStatus,
): readonly Fact[] {
  const uses = clients.map(({ client, file, key }) => `${client} ("${key}" in ${quote(file, MAX_PATH)})`);
  const doubt = identity?.isCertain === false ? ', if this machine has one' : '';
  const who = identity === undefined ? (reason ?? '') : `${formatIdentity(identity.description)}${doubt}`;
  return [
    ['clients', uses.length === 0 ? 'none' : uses.join(', ')],
    ['entry', entry === undefined ? 'none' : quote(entry)],
    ['get answers with', WORDS[credential]],
    ['identity', quote(who)],
  ];
}

function listTokenFacts(quote: Quote, nowSeconds: number, token: TokenStatus): readonly Fact[] {
  const { kind, scope, identity, who, tenant, savedAtSeconds, expiresAtSeconds, renewsAtSeconds, registry } = token;
  const isExpired = expiresAtSeconds <= nowSeconds;
  const isDue = renewsAtSeconds !== undefined && renewsAtSeconds <= nowSeconds;
  return [
    ['kind', quote(registry === undefined || scope === undefined ? kind : `${kind} for ${scope}`)],
    ['identity', quote(formatIdentity(identity))],
    ['who', quote(who ?? '-')],
    ['tenant', quote(tenant ?? '-')],
    [isExpired ? 'expired' : 'expires', formatAge(expiresAtSeconds, nowSeconds)],
    [
      'renewed',
      renewsAtSeconds === undefined ? 'no' : isDue ? 'at the next get' : formatAge(renewsAtSeconds, nowSeconds),
    ],
    ['saved', formatAge(savedAtSeconds, nowSeconds)],
  ];
}

/** One fact a line, each complete in itself. */
function formatLines({ kind, items }: Section): string {
  return items
    .flatMap(({ name, facts }) => facts.map(([label, value]) => `${kind} ${name}: ${label}: ${value}\n`))
    .join('');
}

function formatSection(terminal: Terminal, { title, items }: Section): string {
  const { style, columns } = terminal;
  const labels = items[0]?.facts.map(([label]) => label) ?? [];
  const isUniform = items.every(({ facts }) => facts.every(([label], index) => label === labels[index]));
  const rows = [
    ['', ...labels].map((label) => style('dim', label)),
    ...items.map(({ name, facts }) => [name, ...facts.map(([, value]) => value)]),
  ];
  const table = formatColumns(rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]));
  const isNarrow = table.split('\n').every((line) => widthOf(line) <= columns);
  const body = isUniform && isNarrow ? table : items.map((item) => formatBlock(terminal, item)).join('');
  return `${style('bold', title)}\n${body}`;
}

function formatBlock({ style, columns }: Terminal, { name, facts }: Item): string {
  const labels = facts.map(([label]) => `    ${label}`);
  const room = columns - Math.max(...labels.map(widthOf)) - 2;
  const rows = facts.flatMap(([label, value]) =>
    wrapText(value, room).map((line, index) => [index === 0 ? `    ${style('dim', label)}` : '', line]),
  );
  return `  ${name}\n${formatColumns(rows)}`;
}
