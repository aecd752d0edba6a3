import { describe, expect, test } from 'vitest';
import { CLOUDS } from '../../../../../src/clouds.ts';
import {
  formatConfig,
  formatRights,
  formatRightsAsJson,
} from '../../../../../src/commands/kubelet/config/config-text.ts';
import {
  buildProviderConfig,
  type ConfigRequest,
  listTokenAudiences,
} from '../../../../../src/commands/kubelet/config/provider-config.ts';
import { type ConfigOptions, readRequest } from '../../../../../src/commands/kubelet/config/request.ts';
import { NEWEST_MINOR } from '../../../../../src/commands/kubelet/kubernetes-version.ts';

const BINDING: ConfigOptions = { mode: 'identity-binding', ibSniName: 'proxy.example.com', ibApiserverIp: '10.0.0.1' };
const TOKENS: ConfigOptions = { mode: 'service-account' };

const build = (options: ConfigOptions = {}) => buildProviderConfig(readRequest(options));

/** The only plug-in of a configuration. */
function single(options: ConfigOptions) {
  const { providers } = build(options);
  expect(providers).toHaveLength(1);
  return providers[0];
}

describe('without options', () => {
  test('the plug-in is asked for every cloud and region, and gets no tokens', () => {
    expect(single({})).toEqual({
      name: 'acr-credential-provider',
      apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      matchImages: CLOUDS.flatMap(({ registrySuffix }) => [`*.${registrySuffix}`, `*.*.geo.${registrySuffix}`]),
      defaultCacheDuration: '10m',
    });
  });
});

describe('the images', () => {
  test.each<[ConfigOptions, readonly string[]]>([
    [{ cloud: ['china'] }, ['*.azurecr.cn', '*.*.geo.azurecr.cn']],
    [{ registry: ['My.azurecr.io', 'registry.example.com:5000'] }, ['my.azurecr.io', 'registry.example.com:5000']],
    [{ registry: ['my.azurecr.io'], cloud: ['china'] }, ['*.azurecr.cn', '*.*.geo.azurecr.cn', 'my.azurecr.io']],
    [
      { registry: ['my.azurecr.io'], registryMirror: ['mcr.microsoft.com:my.azurecr.io,docker.io:my.azurecr.io'] },
      ['my.azurecr.io', 'mcr.microsoft.com', 'docker.io'],
    ],
  ])('of %j', (options, images) => {
    expect(single(options)?.matchImages).toEqual(images);
  });
});

describe('the arguments', () => {
  test.each<[ConfigOptions, readonly string[] | undefined]>([
    [{}, undefined],
    [{ azureJson: '/etc/kubernetes/azure.json' }, ['/etc/kubernetes/azure.json']],
    [{ name: 'docker-credential-acr' }, ['kubelet']],
    [{ name: 'docker-credential-acr', azureJson: '/a.json' }, ['kubelet', '/a.json']],
    [{ name: 'acr-credential-provider-2' }, undefined],
    [
      { registryMirror: ['a.example:5000:my.azurecr.io', 'b.example:my.azurecr.io:443'] },
      ['--registry-mirror=a.example:5000:my.azurecr.io,b.example:my.azurecr.io:443'],
    ],
    [
      { ...BINDING, ibDefaultClientId: '11111111-2222-4333-8444-555555555555', ibCaFile: '/ca.crt' },
      [
        '--ib-sni-name=proxy.example.com',
        '--ib-apiserver-ip=10.0.0.1',
        '--ib-default-client-id=11111111-2222-4333-8444-555555555555',
        '--ib-ca-file=/ca.crt',
      ],
    ],
  ])('of %j', (options, args) => {
    expect(single(options)?.args).toEqual(args);
  });

  test('the folders on the node are variables', () => {
    expect(single({ configFile: '/etc/acr.json', cacheDir: '/var/cache/acr' })?.env).toEqual([
      { name: 'DOCKER_CREDENTIAL_ACR_CONFIG', value: '/etc/acr.json' },
      { name: 'DOCKER_CREDENTIAL_ACR_CACHE_DIR', value: '/var/cache/acr' },
    ]);
  });
});

describe('tokens of service accounts', () => {
  test('are for the public cloud, and need no annotation', () => {
    expect(single(TOKENS)).toMatchObject({
      matchImages: ['*.azurecr.io', '*.*.geo.azurecr.io'],
      tokenAttributes: {
        serviceAccountTokenAudience: 'api://AzureADTokenExchange',
        cacheType: 'ServiceAccount',
        requireServiceAccount: false,
        optionalServiceAccountAnnotationKeys: [
          'docker-credential-acr/client-id',
          'docker-credential-acr/tenant-id',
          'kubernetes.azure.com/acr-client-id',
          'kubernetes.azure.com/acr-tenant-id',
        ],
      },
    });
  });

  test('of two clouds have two audiences, and plug-ins of two names', () => {
    const config = build({ ...TOKENS, cloud: ['public', 'china'], registry: ['my.azurecr.us', 'own.example.com'] });
    expect(config.providers.map(({ name, matchImages }) => [name, matchImages])).toEqual([
      ['acr-credential-provider', ['*.azurecr.io', '*.*.geo.azurecr.io', 'own.example.com']],
      ['acr-credential-provider-china', ['*.azurecr.cn', '*.*.geo.azurecr.cn']],
      ['acr-credential-provider-us-government', ['my.azurecr.us']],
    ]);
    expect(listTokenAudiences(config)).toEqual([
      'api://AzureADTokenExchange',
      'api://AzureADTokenExchangeChina',
      'api://AzureADTokenExchangeUSGov',
    ]);
  });

  test('no two plug-ins share a name, whichever comes first', () => {
    const { providers } = build({ ...TOKENS, cloud: ['china'], registry: ['own.example.com'] });
    expect(providers.map(({ name }) => name)).toEqual(['acr-credential-provider', 'acr-credential-provider-public']);
  });

  test('of identity bindings have one audience in all clouds', () => {
    expect(single(BINDING)?.tokenAttributes?.serviceAccountTokenAudience).toBe('api://AKSIdentityBinding');
    expect(single(BINDING)?.matchImages).toHaveLength(2 * CLOUDS.length);
  });

  test('have the audience and the requirement that were asked for', () => {
    const options: ConfigOptions = { ...TOKENS, audience: 'api://own', requireServiceAccount: true };
    expect(single(options)?.tokenAttributes).toMatchObject({
      serviceAccountTokenAudience: 'api://own',
      requireServiceAccount: true,
    });
  });
});

describe('a version of Kubernetes', () => {
  test.each([
    ['1.24', 'v1beta1'],
    ['v1.25.3', 'v1beta1'],
    ['1.26', 'v1'],
    ['1.40', 'v1'],
    [undefined, 'v1'],
  ])('%s reads the API %s', (kubernetesVersion, api) => {
    const config = build({ kubernetesVersion });
    expect(config.apiVersion).toBe(`kubelet.config.k8s.io/${api}`);
    expect(config.providers[0]?.apiVersion).toBe(`credentialprovider.kubelet.k8s.io/${api}`);
  });

  test('1.33 does not know cacheType, and has the gate off', () => {
    const request = readRequest({ ...TOKENS, kubernetesVersion: '1.33' });
    const config = buildProviderConfig(request);
    expect(Object.keys(config.providers[0]?.tokenAttributes ?? {})).not.toContain('cacheType');
    expect(formatConfig(config, request)).toContain(
      '\n# Needs --feature-gates=KubeletServiceAccountTokenForCredentialProviders=true, which is off in Kubernetes 1.33.\n',
    );
  });

  test.each<[ConfigOptions, string]>([
    [{ kubernetesVersion: '1.23' }, 'the kubelet of Kubernetes 1.23 asks a plug-in only behind a gate'],
    [
      { ...TOKENS, kubernetesVersion: '1.32' },
      'the kubelet of Kubernetes 1.32 gives a plug-in no tokens of service accounts',
    ],
    [
      { ...BINDING, kubernetesVersion: '1.30' },
      'the kubelet of Kubernetes 1.30 gives a plug-in no tokens of service accounts',
    ],
  ])('is too old: %j', (options, message) => {
    expect(() => build(options)).toThrow(
      expect.objectContaining({ name: 'UsageError', message, hint: expect.any(String) }),
    );
  });
});

describe('options that the kubelet or the plug-in would refuse', () => {
  test.each<[ConfigOptions, string]>([
    [{ kubernetesVersion: 'new' }, 'the value of --kubernetes-version is not a version of Kubernetes'],
    [{ name: 'a/b' }, 'the value of --name is not a file name'],
    [{ name: '..' }, 'the value of --name is not a file name'],
    [{ name: '-x' }, 'the value of --name is not a file name'],
    [{ cloud: ['mars'] }, 'the value of --cloud is not a cloud of Azure'],
    [{ registry: ['https://my.azurecr.io'] }, 'the value of --registry is not a host with an optional port'],
    [{ registry: ['my.azurecr.io/team'] }, 'the value of --registry is not a host with an optional port'],
    [{ registry: ['myregistry'] }, 'the value of --registry is not a host with an optional port'],
    [{ registryMirror: ['mcr.microsoft.com'] }, 'the value of --registry-mirror is not two registries'],
    [{ registryMirror: ['a.b:c d'] }, 'the value of --registry-mirror is not two registries'],
    [{ azureJson: 'azure.json' }, 'the value of --azure-json is not an absolute path'],
    [{ configFile: './x' }, 'the value of --config-file is not an absolute path'],
    [{ cacheDir: 'x' }, 'the value of --cache-dir is not an absolute path'],
    [{ requireServiceAccount: true }, '--require-service-account needs a mode with tokens of service accounts'],
    [{ audience: 'api://x' }, '--audience needs a mode with tokens of service accounts'],
    [{ ...TOKENS, audience: 'a b' }, 'the value of --audience is not an audience'],
    [{ ibSniName: 'x' }, '--ib-sni-name needs --mode identity-binding'],
    [{ mode: 'identity-binding' }, '--mode identity-binding needs --ib-sni-name and --ib-apiserver-ip'],
    [{ ...BINDING, ibApiserverIp: 'host' }, 'the value of --ib-apiserver-ip is not an IP address'],
    [{ ...BINDING, ibSniName: 'a b' }, 'the value of --ib-sni-name is not a host name'],
    [{ ...BINDING, ibDefaultClientId: 'x' }, 'the value of --ib-default-client-id is not an id'],
    [{ ...BINDING, ibDefaultTenantId: 'x' }, 'the value of --ib-default-tenant-id is not an id'],
    [{ ...BINDING, ibCaFile: 'ca.crt' }, 'the value of --ib-ca-file is not an absolute path'],
    [{ ...TOKENS, cloud: ['germany'] }, 'the cloud Germany accepts no tokens of service accounts'],
  ])('%j', (options, message) => {
    expect(() => build(options)).toThrow(
      expect.objectContaining({ name: 'UsageError', message, hint: expect.any(String) }),
    );
  });
});

describe('the text', () => {
  const format = (options: ConfigOptions) => {
    const request: ConfigRequest = readRequest(options);
    return formatConfig(buildProviderConfig(request), request);
  };

  test('says for which version it is, and why each line is there', () => {
    expect(
      format({ registry: ['my.azurecr.io'] }),
    ).toBe(`# The kubelet's credential provider for Azure Container Registry: images are pulled as the node.
# For Kubernetes 1.${NEWEST_MINOR}. The kubelet reads this file only when it starts.

apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - # The name of the program in the folder of --image-credential-provider-bin-dir.
    name: acr-credential-provider
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    # A * stands for a part of one label, so regional endpoints need a line of their own.
    matchImages:
      - my.azurecr.io
    # Only for a response that names no duration; this program always names one.
    defaultCacheDuration: 10m
`);
  });

  test('says what becomes of pods without a service account', () => {
    expect(format(TOKENS)).toContain("static pods, get the node's identity.\n      requireServiceAccount: false\n");
    expect(format({ ...TOKENS, requireServiceAccount: true })).toContain(
      'static pods, get nothing.\n      requireServiceAccount: true\n',
    );
  });

  test('puts what older parsers take for something else into quotes', () => {
    expect(format({ name: 'yes' })).toContain("name: 'yes'\n");
    expect(format({ name: '1_0' })).toContain("name: '1_0'\n");
  });
});

test('the rights name each audience once, and are for nodes', () => {
  const config = build({ ...TOKENS, cloud: ['public', 'china'] });
  const { items } = JSON.parse(formatRightsAsJson(config));
  expect(items).toMatchObject([
    {
      kind: 'ClusterRole',
      metadata: { name: 'acr-credential-provider-audience' },
      rules: [
        {
          apiGroups: [''],
          resources: ['api://AzureADTokenExchange', 'api://AzureADTokenExchangeChina'],
          verbs: ['request-serviceaccounts-token-audience'],
        },
      ],
    },
    { kind: 'ClusterRoleBinding', subjects: [{ kind: 'Group', name: 'system:nodes' }] },
  ]);
  expect(formatRights(config)).toMatch(/^# .*\n\napiVersion: [\s\S]*\n---\napiVersion: /);
  expect(formatRights(build())).toBe('');
  expect(formatRightsAsJson(build())).toBe('');
});
