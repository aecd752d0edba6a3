/**
 * Asks a credential helper as testcontainers does; JSON on stdout.
 *
 *     ask.mjs MODULE HOST [late]
 *
 * With `late` the helper's input is closed only after a while, as on a machine that is busy.
 */
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';

const [module, host, when] = process.argv.slice(2);
if (when === 'late') {
  const { spawn } = childProcess;
  childProcess.spawn = (...given) => {
    const child = spawn(...given);
    const end = child.stdin.end.bind(child.stdin);
    child.stdin.end = () => setTimeout(end, 500);
    return child;
  };
  syncBuiltinESMExports();
}
const { getAuthConfig } = (await import(module)).default;
console.log(JSON.stringify((await getAuthConfig(host)) ?? null));
