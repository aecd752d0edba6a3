/** `status`: what is set up, cached and stored. */

import type { Command } from '@commander-js/extra-typings';
import { createQuote } from '../redact.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { EXIT } from '../terminal/failure.ts';
import { defineCommand, GROUPS } from './command.ts';
import { assertServer } from './registry-argument.ts';
import type { Status } from './status/status.ts';

/** The command `status`. */
export const STATUS = defineCommand({
  name: 'status',
  group: GROUPS.examine,
  summary: 'show what is set up, cached and stored',
  details:
    'Works offline, starts no program and shows no secret: which registries docker, podman and helm send here, with which identity each would be answered, and every cached token and stored login.',
  examples: [
    ['status', 'everything'],
    ['status myregistry.azurecr.io', 'one registry'],
    ['status --json', 'as JSON, for scripts'],
  ],
  define: (command: Command) =>
    command.argument('[host]', 'a registry, such as myregistry.azurecr.io').option('--json', 'print the facts as JSON'),
  run: async ({ runtime, terminal }, { json }, host) => {
    if (host !== undefined) assertServer(runtime, host);
    const { collectStatus, NO_IDENTITY } = await import('./status/status.ts');
    const status = await collectStatus(runtime, host);
    const { describeStatus, listProblems } = await import('./status/status-json.ts');
    if (json === true) {
      terminal.write(`${JSON.stringify(describeStatus(runtime, status), null, 2)}\n`);
      return EXIT.ok;
    }
    const { formatStatus } = await import('./status/status-text.ts');
    terminal.write(formatStatus(runtime, terminal, status) || 'Nothing is configured, cached or stored\n');
    const quote = createQuote(runtime);
    for (const problem of listProblems(status)) {
      terminal.writeError(`${terminal.errorStyle('yellow', 'warning:')} ${quote(problem, 1000)}\n`);
    }
    if (status.ignoredFiles > 0) {
      const what = `${status.ignoredFiles} files in the cache are ignored: ${runtime.programName} cache list`;
      terminal.writeError(`${terminal.errorStyle('yellow', 'warning:')} ${what}\n`);
    }
    const hints = listHints(runtime, status, host, NO_IDENTITY);
    for (const hint of hints) {
      terminal.writeError(`${terminal.errorStyle('cyan', 'hint:')} ${hint}\n`);
    }
    return EXIT.ok;
  },
});

/** What to do next, where something is missing. */
function listHints(
  { programName }: Runtime,
  status: Status,
  host: string | undefined,
  noIdentity: string,
): readonly string[] {
  const { registries, identity, configProblem, problems } = status;
  if (configProblem !== undefined) return [`see what is wrong: ${programName} config validate`];
  if (host !== undefined && !registries.some(({ isRegistry }) => isRegistry)) return [];
  const [only] = registries;
  const server = host === undefined || only === undefined ? 'myregistry.azurecr.io' : shellWord(only.server);
  // A file that cannot be read may send one here, and is among the warnings.
  const isConfigured = problems.length > 0 || registries.some(({ clients }) => clients.length > 0);
  const hasIdentity =
    identity.identity?.isCertain === true || registries.some(({ credential }) => credential !== 'none');
  // Another sign-in would change nothing: the reason is above, and says what to mend.
  const isBroken = [identity, ...registries].some(({ reason = noIdentity }) => reason !== noIdentity);
  return [
    ...(isConfigured ? [] : [`no client sends a registry here; run: ${programName} configure ${server}`]),
    ...(hasIdentity || isBroken ? [] : [`no identity is set up; sign in with: ${programName} login`]),
  ];
}
