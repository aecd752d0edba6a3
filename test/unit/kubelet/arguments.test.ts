/** The arguments of the plug-in: those of AKS's own, as kubelets pass them, and mistakes in them. */
import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../../src/kubelet/arguments.ts';
import { catchFailure } from '../failure.ts';

const NOTHING = { azureJson: undefined, mirrors: [], binding: undefined, isRenewal: false };
const AZURE_JSON = '/etc/kubernetes/azure.json';
const CLIENT = '11111111-2222-4333-8444-555555555555';
const BINDING = ['--ib-sni-name=abc.ests.aks.example', '--ib-apiserver-ip=10.0.0.1'];
const BOUND = {
  serverName: 'abc.ests.aks.example',
  apiServer: '10.0.0.1',
  defaultClientId: undefined,
  defaultTenantId: undefined,
  certificateFile: '/etc/kubernetes/certs/ca.crt',
};
const MIRROR = { source: 'mcr.microsoft.com', target: 'myregistry.azurecr.io' };
const PAIR = `${MIRROR.source}:${MIRROR.target}`;

describe('parseArguments', () => {
  const rows: readonly (readonly [args: readonly string[], found: object])[] = [
    [[], {}],
    [[AZURE_JSON], { azureJson: AZURE_JSON }],
    [['--renew', AZURE_JSON], { azureJson: AZURE_JSON, isRenewal: true }],
    [['', AZURE_JSON], { azureJson: AZURE_JSON }],
    [[`--registry-mirror=${PAIR}`], { mirrors: [MIRROR] }],
    [['--registry-mirror', PAIR, AZURE_JSON], { mirrors: [MIRROR], azureJson: AZURE_JSON }],
    [['-r', PAIR], { mirrors: [MIRROR] }],
    [[`-r=${PAIR}`], { mirrors: [MIRROR] }],
    [[`-r${PAIR}`], { mirrors: [MIRROR] }],
    [['--registry-mirror='], {}],
    [['--registry-mirror= , '], {}],
    // The last one counts, as in AKS's plug-in.
    [['--registry-mirror=a.test:b.azurecr.io', `--registry-mirror=${PAIR}`], { mirrors: [MIRROR] }],
    [
      [`--registry-mirror=${PAIR}, docker.io:second.azurecr.io`],
      { mirrors: [MIRROR, { source: 'docker.io', target: 'second.azurecr.io' }] },
    ],
    [['-v2'], {}],
    [['-v=4', '--v=5', '--v', '6', '-v', '7', AZURE_JSON], { azureJson: AZURE_JSON }],
    [['--vmodule=a=1', '--logging-format=json', '--log-flush-frequency', '5s'], {}],
    [BINDING, { binding: BOUND }],
    [
      [
        ...BINDING,
        `--ib-default-client-id=${CLIENT.toUpperCase()}`,
        '--ib-default-tenant-id=contoso.onmicrosoft.com',
        '--ib-ca-file=/ca.pem',
        AZURE_JSON,
      ],
      {
        azureJson: AZURE_JSON,
        binding: {
          ...BOUND,
          defaultClientId: CLIENT.toUpperCase(),
          defaultTenantId: 'contoso.onmicrosoft.com',
          certificateFile: '/ca.pem',
        },
      },
    ],
    // A template leaves the values empty where there is no binding.
    [['--ib-sni-name=', '--ib-apiserver-ip=', '--ib-default-client-id='], {}],
    [
      ['--ib-sni-name=a.b', '--ib-apiserver-ip=fd00::1'],
      { binding: { ...BOUND, serverName: 'a.b', apiServer: 'fd00::1' } },
    ],
    [['--ib-sni-name=a.b', '--ib-apiserver-ip=[::1]'], { binding: { ...BOUND, serverName: 'a.b', apiServer: '::1' } }],
    [
      ['--ib-sni-name=a.b', '--ib-apiserver-ip=api.test'],
      { binding: { ...BOUND, serverName: 'a.b', apiServer: 'api.test' } },
    ],
  ];
  test.each(rows)('reads %j', (args, found) => {
    expect(parseArguments(args)).toEqual({ ...NOTHING, ...found });
  });

  const mistakes: readonly (readonly [args: readonly string[], problem: string])[] = [
    [['azure.json'], '"azure.json" is not an absolute path'],
    [['./azure.json'], '"./azure.json" is not an absolute path'],
    [['/a', '/b'], 'there is one file too many: "/b"'],
    [['--unknown'], 'there is no option "--unknown"'],
    [['--unknown=x'], 'there is no option "--unknown=x"'],
    [['--'], 'there is no option "--"'],
    [['-'], 'there is no option "-"'],
    [['-x'], 'there is no option "-x"'],
    [['-registry-mirror=a.test:b.azurecr.io'], '"egistry-mirror=a.test:b.azurecr.io" is not a pair of registries'],
    [['--constructor'], 'there is no option "--constructor"'],
    [['--Registry-Mirror=a:b'], 'there is no option "--Registry-Mirror=a:b"'],
    [['--registry-mirror'], '--registry-mirror has no value'],
    [['-r'], '--registry-mirror has no value'],
    [['--registry-mirror=mcr.microsoft.com'], '"mcr.microsoft.com" is not a pair of registries'],
    [['--registry-mirror=a.test:b.azurecr.io,x'], '"x" is not a pair of registries'],
    [['--ib-apiserver-ip=10.0.0.1'], 'there is --ib-apiserver-ip, but no --ib-sni-name'],
    [['--ib-ca-file=/ca.pem'], 'there is --ib-ca-file, but no --ib-sni-name'],
    [['--ib-sni-name=a.b'], 'there is --ib-sni-name, but no --ib-apiserver-ip'],
    [['--ib-sni-name=https://a.b/', '--ib-apiserver-ip=10.0.0.1'], '--ib-sni-name is not a host name'],
    [['--ib-sni-name=a.b/c', '--ib-apiserver-ip=10.0.0.1'], '--ib-sni-name is not a host name'],
    [['--ib-sni-name=a@b', '--ib-apiserver-ip=10.0.0.1'], '--ib-sni-name is not a host name'],
    [['--ib-sni-name=a.b', '--ib-apiserver-ip=10.0.0.1:443'], '--ib-apiserver-ip is not an IP address or a host name'],
    [['--ib-sni-name=a.b', '--ib-apiserver-ip=https://x'], '--ib-apiserver-ip is not an IP address or a host name'],
    [[...BINDING, '--ib-default-client-id=name'], '--ib-default-client-id is not the id of an application'],
    [[...BINDING, '--ib-default-tenant-id=a/b'], '--ib-default-tenant-id is not the id or domain of a tenant'],
    [[...BINDING, '--ib-ca-file=ca.pem'], '--ib-ca-file is not an absolute path'],
  ];
  test.each(mistakes)('rejects %j', async (args, problem) => {
    const failure = await catchFailure(() => parseArguments(args));
    expect(failure.code).toBe('CONFIG_INVALID');
    expect(failure.message).toContain(problem);
    expect(failure.message).toMatch(/^Cannot use (?:the "args" of the kubelet's configuration|--registry-mirror): /);
    expect(failure.hint).toBeDefined();
  });
});
