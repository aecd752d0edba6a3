/**
 * Injects a bundle into a Node executable. Runs as a separate process, because `@yao-pkg/pkg` changes the working
 * directory and makes the program's blob with the Node that runs it, which must have the version of the executable.
 */

import { parseArgs } from 'node:util';
import sea, { type SeaConfig } from '@yao-pkg/pkg/lib-es5/sea.js';
import { TARGETS } from './target.ts';

/** The options of Node that pkg passes on, but that its types lack. */
interface NodeSeaConfig extends SeaConfig {
  readonly execArgv: readonly string[];
  readonly execArgvExtension: 'none';
}

/**
 * Node's own options in the executable.
 * @param nothing the file that is always empty.
 */
function nodeOptions(nothing: string): readonly string[] {
  return [
    // A warning of Node on stderr would look like ours.
    '--no-warnings',
    // With NODE_USE_ENV_PROXY, Node reads the proxy's URL before the program runs, and prints an invalid one with its
    // password.
    '--no-use-env-proxy',
    // Otherwise this signal opens a debugger, to which every user of the machine can connect.
    '--disable-sigusr1',
    // Otherwise OPENSSL_CONF, or the machine's own file, makes OpenSSL load native code before the program runs.
    `--openssl-config=${nothing}`,
    // Otherwise NODE_ICU_DATA names the data, by a path that may be relative. Node has its own.
    `--icu-data-dir=${nothing}`,
  ];
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
    execArgv: nodeOptions(target.os === 'win' ? 'NUL' : '/dev/null'),
    // NODE_OPTIONS must not load foreign code into a program that holds credentials.
    execArgvExtension: 'none',
    // Each is `NAME=FILE`.
    assets: Object.fromEntries(values.asset.map((asset) => splitAsset(asset))),
  };
  await sea.default(values.bundle, {
    // With both options, `nodePath` is the executable and the running Node makes the blob: nothing is downloaded.
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
