/** The failure that the README shows is what the program says when that happens. */
import { expect, test } from 'vitest';
import { openWorld } from '../integration/world.ts';
import { documentAt } from './markdown.ts';

const world = await openWorld();

const CORRELATION_ID = /correlation id [0-9a-f-]{36}/;

test('the README shows the failure of an expired secret as it is told', async () => {
  world.application.secrets = world.application.secrets.map(({ value }) => ({ value, expiresAtSeconds: 1 }));
  const told = (await world.fail()).stderr.trimEnd().replace(CORRELATION_ID, 'correlation id').split('\n');
  const shown = documentAt('README.md')
    .blocks.find(({ language }) => language === 'text')
    ?.text.trimEnd()
    .replace(CORRELATION_ID, 'correlation id')
    .split('\n');
  // An ellipsis stands for the rest of a line.
  expect(told).toEqual(shown?.map((line) => (line.endsWith('…') ? expect.stringContaining(line.slice(0, -1)) : line)));
});
