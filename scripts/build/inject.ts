/**
 * Injects a program into a Node executable. Runs as a separate process in the folder of the program, because
 * `@yao-pkg/pkg` changes the working directory and makes the program's blob with the Node that runs it, which must have
 * the version of the executable.
 */

import childProcess, { type ExecFileException } from 'node:child_process';
import { parseArgs } from 'node:util';
import { describeProgram, runNodeRepeatably } from './packing.ts';
import { TARGETS } from './target.ts';

async function injectProgram(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: '' },
      main: { type: 'string', default: '' },
      node: { type: 'string', default: '' },
      output: { type: 'string', default: '' },
      'code-cache': { type: 'boolean', default: false },
      asset: { type: 'string', multiple: true, default: [] },
    },
  });
  const target = TARGETS.find(({ name }) => name === values.target);
  if (!target) throw new Error(`No such target: ${values.target}`);

  const { main, node: nodePath, output } = values;
  const folder = process.cwd();
  const seaConfig = describeProgram({
    ...{ target, folder, main, nodePath, output, generatorPath: process.execPath },
    hasCodeCache: values['code-cache'],
    // Each is `NAME=FILE`.
    assets: Object.fromEntries(values.asset.map((asset) => splitAsset(asset))),
  });
  const pkg = await loadPkg(folder);
  await pkg.default(main, {
    // With both options, `nodePath` is the executable and the running Node makes the blob: nothing is downloaded.
    nodePath,
    useLocalNode: true,
    targets: [
      {
        platform: target.os,
        arch: target.cpu,
        nodeRange: `node${process.versions.node}`,
        output,
      },
    ],
    seaConfig,
    signature: true,
  });
}

/**
 * Loads pkg, which has no option for what Node gets when it makes the blob: its arguments, and its working folder, to which
 * the paths in the blob are relative.
 */
async function loadPkg(folder: string) {
  const execFile = (
    node: string,
    args: readonly string[],
    done: (error: ExecFileException | undefined, stdout: string) => void,
  ) => {
    runNodeRepeatably(node, args, folder).then(
      (stdout) => done(undefined, stdout),
      (error: ExecFileException) => done(error, ''),
    );
  };
  Object.assign(childProcess, { execFile });
  return (await import('@yao-pkg/pkg/lib-es5/sea.js')).default;
}

function splitAsset(asset: string): [name: string, file: string] {
  const end = asset.indexOf('=');
  return [asset.slice(0, end), asset.slice(end + 1)];
}

await injectProgram();
