import { expect, it } from 'vitest';
import { openWindows, TOOLS_FOLDER } from './world/windows-person.ts';
import { readdirSync } from 'node:fs';

const world = await openWindows();
const SERVER = 'contoso.azurecr.io';
const show = (r: { exitCode: number; stdout: string; stderr: string }) => `${r.exitCode}\n${r.stdout.slice(0, 3000)}\n--\n${r.stderr}`;

it('explores', { timeout: 60_000 }, async () => {
  const t = performance.now();
  const p = world.addPerson('Jöhn Doe');
  const step = async (name: string, f: () => Promise<unknown>) => { const t = performance.now(); const r = await Promise.race([f(), new Promise((d) => setTimeout(() => d('TIMEOUT'), 15_000))]); console.log(name, Math.round(performance.now() - t), r); };
  await step('cold', async () => show(await p.get(SERVER)));
  await step('hot', async () => show(await p.get(SERVER)));
  console.log(world.cloud.signIns());
  await step('status', async () => show(await p.run(['status'])));
  await step('doctor', async () => show(await p.run(['doctor', SERVER])));
  await step('cache list', async () => show(await p.run(['cache', 'list'])));
  await step('configure', async () => show(await p.run(['configure', SERVER, '--yes'])));
  await step('store', async () => show(await p.run(['store'], { input: JSON.stringify({ ServerURL: SERVER, Username: 'me', Secret: 'pass-word-123' }) })));
  await step('list', async () => show(await p.run(['list'])));
  await step('erase', async () => show(await p.run(['erase'], { input: SERVER })));
  world.installKeychain();
  await step('store', async () => show(await p.run(['store'], { input: JSON.stringify({ ServerURL: SERVER, Username: 'me', Secret: 'pass-word-123' }) })));
  await step('get', async () => show(await p.get(SERVER)));
  await step('list', async () => show(await p.run(['list'])));
  await step('doctor', async () => show(await p.run(['doctor', SERVER])));
  await step('erase', async () => show(await p.run(['erase'], { input: SERVER })));
  console.log(readdirSync(world.windows.findHere(p.home), { recursive: true }).join('\n'));
  console.log(performance.now() - t);
});
