/**
 * Injects a bundle into a Node executable, as a process of its own: `@yao-pkg/pkg` changes the working directory and
 * makes the program's blob with the Node that it runs in, which has to be of exactly the executable's version.
 */

import { parseArgs } from 'node:util';
import sea, { type SeaConfig } from '@yao-pkg/pkg/lib-es5/sea.js';
import { TARGETS } from './target.ts';

/** What Node reads from the configuration and pkg passes on, beyond what pkg's types name. */
interface NodeSeaConfig extends SeaConfig {
  readonly execArgv: readonly string[];
  readonly execArgvExtension: 'none';
}

async function injectBundle(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: '' },
      bundle: { type: 'string', default: '' },
      node: { type: 'string', default: '' },
      output: { type: 'string', default: '' },
      'code-cache': { type: 'boolean', default: false },
      asset: { type: 'string', multiple: true, default: [] },
    },
  });
  const target = TARGETS.find(({ name }) => name === values.target);
  if (!target) throw new Error(`No such target: ${values.target}`);

  const seaConfig: NodeSeaConfig = {
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: values['code-cache'],
    // A warning on stderr would be shown to the person as if it were ours. With NODE_USE_ENV_PROXY Node reads the proxy's
    // URL before the program runs, and shows a broken one with its password.
    execArgv: ['--no-warnings', '--no-use-env-proxy'],
    // NODE_OPTIONS must not load foreign code into a program that holds credentials.
    execArgvExtension: 'none',
    // `NAME=FILE` each.
    assets: Object.fromEntries(values.asset.map((asset) => splitAsset(asset))),
  };
  await sea.default(values.bundle, {
    // Together: `nodePath` is the executable, and the running Node makes the blob. Neither is ever downloaded.
    nodePath: values.node,
    useLocalNode: true,
    targets: [
      {
        platform: target.os,
        arch: target.cpu,
        nodeRange: `node${process.versions.node}`,
        output: values.output,
      },
    ],
    seaConfig,
    signature: true,
  });
}

function splitAsset(asset: string): [name: string, file: string] {
  const end = asset.indexOf('=');
  return [asset.slice(0, end), asset.slice(end + 1)];
}

await injectBundle();
