/** `config show`: the settings that apply, and where they come from. */

import type { Command } from '@commander-js/extra-typings';
import { createQuote } from '../redact.ts';
import type { Runtime } from '../system/runtime.ts';
import { EXIT } from '../terminal/failure.ts';
import { formatColumns } from '../terminal/table.ts';
import type { Style } from '../terminal/terminal.ts';
import { defineCommand } from './command.ts';
import type { OpenConfig, ServerSettings, Setting, ShownEntry } from './config/effective-settings.ts';
import { assertServer } from './registry-argument.ts';

/** The command `config show`. */
export const CONFIG_SHOW = defineCommand({
  name: 'show',
  summary: 'show the settings that apply, and where they come from',
  details:
    'With HOST: the settings of one registry, and which entry of the configuration applies. Values that may be a secret at the wrong place are hidden, and so are the arguments of a command.',
  examples: [
    ['config show', 'the whole configuration, with the defaults'],
    ['config show myregistry.azurecr.io', 'what applies to a registry, and why'],
  ],
  define: (command: Command) =>
    command.argument('[host]', 'a registry, such as myregistry.azurecr.io').option('--json', 'print the facts as JSON'),
  run: async ({ runtime, terminal }, { json }, host) => {
    if (host !== undefined) assertServer(runtime, host);
    const [settings, { locateConfig }] = await Promise.all([
      import('./config/effective-settings.ts'),
      import('./config/location.ts'),
    ]);
    const { file, isExplicit } = await locateConfig(runtime);
    const open = settings.openConfig(file, isExplicit);
    if (host !== undefined) {
      const found = settings.findServerSettings(runtime, open, host);
      terminal.write(
        json === true
          ? formatJson(describeServer(runtime, open, host, found))
          : formatServer(runtime, terminal.style, open, host, found),
      );
      return EXIT.ok;
    }
    const common = settings.listCommonSettings(open);
    const parts = (['registries', 'identities', 'clouds'] as const).map(
      (name) => [name, settings.listEntries(runtime, open, name)] as const,
    );
    terminal.write(
      json === true
        ? formatJson({
            ...describeFile(runtime, open),
            settings: describeSettings(common),
            ...Object.fromEntries(parts.map(([name, entries]) => [name, describeEntries(entries)])),
          })
        : formatAll(runtime, terminal.style, open, common, parts),
    );
    return EXIT.ok;
  },
});

function formatAll(
  runtime: Runtime,
  style: Style,
  open: OpenConfig,
  common: readonly Setting[],
  parts: readonly (readonly [name: string, entries: readonly ShownEntry[]])[],
): string {
  const sections = [
    formatColumns([['configuration', formatFile(runtime, open)]]),
    formatSettings(style, common),
    ...parts
      .filter(([, entries]) => entries.length > 0)
      .map(([name, entries]) => `${style('bold', name)}\n${formatEntries(entries)}`),
  ];
  return sections.join('\n');
}

function formatServer(
  runtime: Runtime,
  style: Style,
  open: OpenConfig,
  host: string,
  { registry, entry, reason, settings, identity }: ServerSettings,
): string {
  const quote = createQuote(runtime);
  const rows = [
    registry === undefined
      ? ['server', quote(host)]
      : ['registry', `${registry.host} (cloud ${quote(registry.cloud.name)})`],
    ['configuration', formatFile(runtime, open)],
    ['entry', entry === undefined ? reason : `"${quote(entry)}": ${reason}`],
  ];
  const parameters =
    identity === undefined
      ? ''
      : `\n${style('bold', 'identity')} ${identity.key}\n${formatSettings(style, identity.settings)}`;
  return `${formatColumns(rows)}\n${formatSettings(style, settings)}${parameters}`;
}

function formatFile(runtime: Runtime, { file, exists }: OpenConfig): string {
  return `${createQuote(runtime)(file, 4096)}${exists ? '' : ' (does not exist)'}`;
}

function formatSettings(style: Style, settings: readonly Setting[]): string {
  return formatColumns(
    settings.map((one) => [one.key, formatValue(one), ...(one.isDefault ? [style('dim', 'default')] : [])]),
  );
}

function formatEntries(entries: readonly ShownEntry[]): string {
  return formatColumns(
    entries.map(({ key, settings }) => [
      `  ${key}`,
      settings.map((one) => `${one.key} ${formatValue(one)}`).join(', '),
    ]),
  );
}

function formatValue({ value, words = '' }: Pick<Setting, 'value' | 'words'>): string {
  if (value === undefined) return words;
  return typeof value === 'object' ? value.join(', ') : String(value);
}

function describeServer(
  runtime: Runtime,
  open: OpenConfig,
  host: string,
  { registry, entry, reason, settings, identity }: ServerSettings,
): object {
  const quote = createQuote(runtime);
  return {
    ...describeFile(runtime, open),
    server: registry?.host ?? quote(host),
    isRegistry: registry !== undefined,
    cloud: registry === undefined ? null : quote(registry.cloud.name),
    entry: entry === undefined ? null : quote(entry),
    reason,
    settings: describeSettings(settings),
    identity: identity === undefined ? null : { name: identity.key, settings: describeSettings(identity.settings) },
  };
}

function describeFile(runtime: Runtime, { file, exists }: OpenConfig): object {
  return { file: createQuote(runtime)(file, 4096), exists };
}

function describeSettings(settings: readonly Setting[]): object {
  return Object.fromEntries(settings.map(({ key, value, isDefault }) => [key, { value: value ?? null, isDefault }]));
}

function describeEntries(entries: readonly ShownEntry[]): object {
  return Object.fromEntries(
    entries.map(({ key, settings }) => [key, Object.fromEntries(settings.map((one) => [one.key, one.value ?? null]))]),
  );
}

function formatJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
