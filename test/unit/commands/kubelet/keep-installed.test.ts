/** An installation that is kept as it is. */
import { chmodSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { keepInstalled } from '../../../../src/commands/kubelet/keep-installed.ts';
import { makeTerminal } from '../../streams.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { BIN, CONFIG, makeConfig, Node, PROVIDER } from './node.ts';

const folder = useTemporaryFolder();

test('what somebody changes is repaired every five minutes, and a failure is told and tried again', async () => {
  const node = new Node(folder.path('host'), folder.path('executable'));
  node.install();
  const before = node.look();
  const terminal = makeTerminal();
  const waits: number[] = [];
  /** What happens in each pause. */
  const events: readonly (() => void)[] = [
    () => undefined,
    () => rmSync(node.at(`${BIN}/${PROVIDER}`)),
    () => {
      chmodSync(node.at('/opt'), 0o777);
      rmSync(node.at(CONFIG));
    },
    () => chmodSync(node.at('/opt'), 0o755),
  ];
  await keepInstalled(node.request(), terminal, (durationMs) => {
    const event = events[waits.length];
    waits.push(durationMs);
    event?.();
    return Promise.resolve(event === undefined);
  });
  expect(new Set(waits)).toEqual(new Set([5 * 60 * 1000]));
  expect(waits).toHaveLength(5);
  expect(terminal.written.output.replaceAll(/ \d\S* \(SHA-256 [^)]*\)/g, '')).toBe(
    `Installed docker-credential-acr\n  ${BIN}/${PROVIDER}\nInstalled docker-credential-acr\n  ${CONFIG}\n`,
  );
  expect(terminal.written.errors).toMatch(
    /^Waiting; [^\n]+\nerror: Cannot read \/opt\/bin\/[^\n]+: others can write to [^\n]+\nhint: ls -ld \S+\n$/,
  );
  expect(node.read(CONFIG)).toBe(makeConfig(PROVIDER));
  expect(node.look()).toEqual(before);
});

test('what another installation has put there stays, and is told', async () => {
  const node = new Node(folder.path('host'), folder.path('executable'));
  const terminal = makeTerminal();
  node.install();
  let pauses = 0;
  await keepInstalled(node.request(), terminal, () => {
    pauses += 1;
    if (pauses === 1) node.install({ config: { path: CONFIG, text: makeConfig(`${PROVIDER}-2`) } });
    return Promise.resolve(pauses > 2);
  });
  expect(terminal.written.output).toBe('');
  expect(terminal.written.errors.split('\n').slice(1, 3)).toEqual([
    `error: Cannot keep what is installed in ${BIN}: another installation has taken its place`,
    'hint: end one of the two; give them different folders if the node needs both',
  ]);
  expect(node.read(CONFIG)).toBe(makeConfig(`${PROVIDER}-2`));
  expect(node.look()).not.toHaveProperty(`${BIN}/${PROVIDER}`);
});
