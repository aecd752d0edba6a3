/** The command `kubelet config` at a terminal and in a pipe. */
import { expect, test } from 'vitest';
import { run } from '../../../src/cli.ts';
import { VERSION } from '../../../src/version.ts';
import { makeRuntime } from '../runtime.ts';
import { makeStreams, makeTerminal } from '../streams.ts';

async function runKubelet(args: readonly string[], isErrorSeen = false) {
  const terminal = makeTerminal({ isErrorSeen });
  const outcome = await run(['kubelet', ...args], makeStreams('', terminal), makeRuntime());
  return { exitCode: outcome.exitCode, ...terminal.written };
}

test('prints nothing but the configuration in a pipe', async () => {
  const { exitCode, output, errors } = await runKubelet(['config']);
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
  expect(output).toMatch(/^# .*\n# .*\n\napiVersion: kubelet\.config\.k8s\.io\/v1\n/);
});

test('tells a person where it goes, with a link for each plug-in', async () => {
  const { errors } = await runKubelet(
    ['config', '--mode', 'service-account', '--cloud', 'public', '--cloud', 'china'],
    true,
  );
  expect(errors).toBe(`save it on each node as: /var/lib/kubelet/credential-provider-config.yaml
link: ln -s /usr/local/bin/docker-credential-acr /var/lib/kubelet/credential-provider/acr-credential-provider
link: ln -s /usr/local/bin/docker-credential-acr /var/lib/kubelet/credential-provider/acr-credential-provider-china
flags: --image-credential-provider-config=/var/lib/kubelet/credential-provider-config.yaml --image-credential-provider-bin-dir=/var/lib/kubelet/credential-provider
rights: run this command with --rbac, and pipe it into kubectl apply -f -
check: docker-credential-acr kubelet doctor
`);
});

test('prints the rights instead, and has none for the node', async () => {
  expect((await runKubelet(['config', '--mode', 'service-account', '--rbac'])).output).toContain(
    'kind: ClusterRoleBinding',
  );
  expect(await runKubelet(['config', '--rbac'])).toEqual({
    exitCode: 2,
    output: '',
    errors: 'error: --mode node needs no rights in the cluster\nhint: add --mode service-account\n',
  });
});

test.each([
  [
    ['config', '--mode', 'pod'],
    '"pod" is not possible for --mode <mode>: allowed choices are node, service-account, identity-binding',
  ],
  [['config', '--kubernetes-version', '1.20'], 'the kubelet of Kubernetes 1.20 asks a plug-in only behind a gate'],
  [['doctor', '--json', '--report'], '--json and --report exclude each other'],
  [['doctor', 'A B'], 'this is not the name of an image'],
])('refuses %j', async (args, error) => {
  const { exitCode, output, errors } = await runKubelet(args);
  expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
  expect(errors.split('\n')[0]).toBe(`error: ${error}`);
});

test('as a plug-in, says its version', async () => {
  const outcome = await run(['kubelet', '--version'], makeStreams(), makeRuntime());
  expect(outcome).toEqual({
    exitCode: 0,
    stdout: `docker-credential-acr (docker-credential-acr) v${VERSION}, Node ${process.versions.node}\n`,
    stderr: '',
  });
});
