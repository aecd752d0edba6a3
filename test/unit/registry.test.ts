/** Which server URLs name a registry that may receive a token. */
import { describe, expect, test } from 'vitest';
import { CLOUDS, createCloud } from '../../src/clouds.ts';
import { parseRegistry } from '../../src/registry.ts';

const LABEL_63 = `${'a'.repeat(5)}-${'b'.repeat(57)}`;
const LABEL_64 = `${'a'.repeat(6)}-${'b'.repeat(57)}`;

describe('parseRegistry returns the host, the service and the cloud of', () => {
  const rows: readonly (readonly [serverUrl: string, host: string, service: string, cloud: string])[] = [
    ['myregistry.azurecr.io', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['myregistry.azurecr.us', 'myregistry.azurecr.us', 'myregistry.azurecr.us', 'US Government'],
    ['myregistry.azurecr.cn', 'myregistry.azurecr.cn', 'myregistry.azurecr.cn', 'China'],
    ['myregistry.azurecr.de', 'myregistry.azurecr.de', 'myregistry.azurecr.de', 'Germany'],
    [
      'myregistry.azurecr.sovcloud-azure.fr',
      'myregistry.azurecr.sovcloud-azure.fr',
      'myregistry.azurecr.sovcloud-azure.fr',
      'Bleu',
    ],
    [
      'registry123.deloscloudgermanycentral.geo.azurecr.sovcloud-azure.de',
      'registry123.deloscloudgermanycentral.geo.azurecr.sovcloud-azure.de',
      'registry123.azurecr.sovcloud-azure.de',
      'Delos',
    ],
    [
      'myregistry.azurecr.eaglex.ic.gov',
      'myregistry.azurecr.eaglex.ic.gov',
      'myregistry.azurecr.eaglex.ic.gov',
      'USNat',
    ],
    [
      'myregistry.azurecr.microsoft.scloud',
      'myregistry.azurecr.microsoft.scloud',
      'myregistry.azurecr.microsoft.scloud',
      'USSec',
    ],
    ['MyRegistry.AzureCR.IO', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['HTTPS://MYREGISTRY.AZURECR.IO', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['myregistry.azurecr.io.', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['myregistry.azurecr.io.:443', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['myregistry.azurecr.io:443', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['https://myregistry.azurecr.io', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['http://myregistry.azurecr.io', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['https://myregistry.azurecr.io:443', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['http://myregistry.azurecr.io:443/', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['https://myregistry.azurecr.io/', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['https://myregistry.azurecr.io/v2/', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['myregistry.azurecr.io/team/my_app.x-1', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    // A path cannot change the host, whatever it says.
    ['myregistry.azurecr.io/../evil.example.com', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['myregistry.azurecr.io//evil.example.com', 'myregistry.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    ['12345.azurecr.io', '12345.azurecr.io', '12345.azurecr.io', 'Public'],
    ['azurecr.azurecr.io', 'azurecr.azurecr.io', 'azurecr.azurecr.io', 'Public'],
    [`${'a'.repeat(50)}.azurecr.io`, `${'a'.repeat(50)}.azurecr.io`, `${'a'.repeat(50)}.azurecr.io`, 'Public'],
    [
      'myregistry-e7ggejfuhzhgedc8.azurecr.io',
      'myregistry-e7ggejfuhzhgedc8.azurecr.io',
      'myregistry-e7ggejfuhzhgedc8.azurecr.io',
      'Public',
    ],
    ['myregistry-a.azurecr.io', 'myregistry-a.azurecr.io', 'myregistry-a.azurecr.io', 'Public'],
    [`${LABEL_63}.azurecr.io`, `${LABEL_63}.azurecr.io`, `${LABEL_63}.azurecr.io`, 'Public'],
    ['myregistry.westeurope.geo.azurecr.io', 'myregistry.westeurope.geo.azurecr.io', 'myregistry.azurecr.io', 'Public'],
    [
      'myregistry-e7ggejfuhzhgedc8.eastus2.geo.azurecr.io',
      'myregistry-e7ggejfuhzhgedc8.eastus2.geo.azurecr.io',
      'myregistry-e7ggejfuhzhgedc8.azurecr.io',
      'Public',
    ],
    [
      `myregistry.${'r'.repeat(63)}.geo.azurecr.io`,
      `myregistry.${'r'.repeat(63)}.geo.azurecr.io`,
      'myregistry.azurecr.io',
      'Public',
    ],
  ];
  for (const [serverUrl, host, service, cloud] of rows) {
    test(serverUrl, () => {
      const registry = parseRegistry(serverUrl);
      expect(registry).toMatchObject({ host, service, cloud: { name: cloud } });
    });
  }
});

describe('parseRegistry', () => {
  for (const { name, registrySuffix } of CLOUDS) {
    test(`accepts global and regional login servers of the ${name} cloud, but not its bare suffix`, () => {
      const service = `myregistry-abc123.${registrySuffix}`;
      expect(parseRegistry(service)?.cloud.name).toBe(name);
      expect(parseRegistry(`myregistry-abc123.region1.geo.${registrySuffix}`)).toMatchObject({ service });
      for (const bare of [
        registrySuffix,
        `.${registrySuffix}`,
        `myregistry${registrySuffix}`,
        `my.${registrySuffix}`,
      ]) {
        expect(parseRegistry(bare)).toBeUndefined();
      }
      expect(parseRegistry(`myregistry.${registrySuffix}.example.com`)).toBeUndefined();
    });
  }
});

describe('parseRegistry with a cloud of one host', () => {
  const clouds = [createCloud({ registrySuffix: 'evil.example', isOneHost: true }, {}), ...CLOUDS];

  test.each(['evil.example', 'https://EVIL.example:443/', 'evil.example.'])('returns that host for %s', (serverUrl) => {
    expect(parseRegistry(serverUrl, clouds)).toMatchObject({ host: 'evil.example', service: 'evil.example' });
  });

  test.each([
    'attacker.evil.example',
    'myregistry.evil.example',
    '.evil.example',
    'notevil.example',
    'evil.example.com',
  ])('returns nothing for %s', (serverUrl) => {
    expect(parseRegistry(serverUrl, clouds)).toBeUndefined();
  });
});

describe('parseRegistry with a cloud of a suffix', () => {
  const clouds = [createCloud({ registrySuffix: 'azurecr.example', isOneHost: false }, {}), ...CLOUDS];

  test('returns the hosts below it, and not the suffix itself', () => {
    expect(parseRegistry('myregistry.azurecr.example', clouds)?.service).toBe('myregistry.azurecr.example');
    expect(parseRegistry('azurecr.example', clouds)).toBeUndefined();
  });
});

describe('parseRegistry rejects', () => {
  const rows: readonly string[] = [
    '',
    ' ',
    '.',
    '/',
    'docker.io',
    'https://index.docker.io/v1/',
    'https://not.a.real.registry/url',
    'ghcr.io',
    'mcr.microsoft.com',
    'westeurope.data.mcr.microsoft.com',
    'myaccount.blob.core.windows.net',
    // The suffix alone, and names that only end like it.
    'azurecr.io',
    '.azurecr.io',
    'https://azurecr.io',
    'evilazurecr.io',
    'myregistryazurecr.io',
    'myregistry.evilazurecr.io',
    'myregistry.azurecr.io.example.com',
    'myregistry.azurecr.io.evil.com',
    'evil.com/myregistry.azurecr.io',
    'https://evil.com/myregistry.azurecr.io',
    'evil.com:443/myregistry.azurecr.io',
    'myregistry.azurecr.com',
    'myregistry.azurecr.io.com',
    'myregistry.azurecr.iox',
    'myregistry.azurecr.i',
    'myregistry.azurecr-io',
    'myregistry.azurecr-test.io',
    'myregistry.azurecr.sovcloud-azure.sg',
    'myregistry.sovcloud-azure.fr',
    // User information, which puts the host after the at sign.
    'myregistry.azurecr.io@evil.com',
    'https://myregistry.azurecr.io@evil.com/',
    'https://myregistry.azurecr.io:443@evil.com/',
    'https://user@myregistry.azurecr.io',
    'https://user:password@myregistry.azurecr.io',
    'https://evil.com@myregistry.azurecr.io',
    // Query, fragment, encodings and other schemes.
    'myregistry.azurecr.io?x=1',
    'https://evil.com?.azurecr.io',
    'https://evil.com?myregistry.azurecr.io',
    'myregistry.azurecr.io#x',
    'https://evil.com#myregistry.azurecr.io',
    'https://evil.com#.azurecr.io',
    'https://myregistry.azurecr.io/?redirect=https://evil.com',
    'https://myregistry.azurecr.io/%2e%2e',
    'myregistry%2eazurecr%2eio',
    'myregistry.azurecr.io%00.evil.com',
    'myregistry.azurecr.io%2f@evil.com',
    'https:\\\\myregistry.azurecr.io',
    'https://evil.com\\myregistry.azurecr.io',
    'https://evil.com\\.azurecr.io',
    'myregistry.azurecr.io\\@evil.com',
    'https:/myregistry.azurecr.io',
    'https:///myregistry.azurecr.io',
    '//myregistry.azurecr.io',
    'https:myregistry.azurecr.io',
    'ftp://myregistry.azurecr.io',
    'oci://myregistry.azurecr.io',
    'javascript:myregistry.azurecr.io',
    'https://https://myregistry.azurecr.io',
    // Ports: ACR listens on 443 and nowhere else.
    'myregistry.azurecr.io:80',
    'myregistry.azurecr.io:5000',
    'myregistry.azurecr.io:4430',
    'myregistry.azurecr.io:0443',
    'myregistry.azurecr.io:',
    'myregistry.azurecr.io:443:443',
    'myregistry.azurecr.io:443x',
    'myregistry.azurecr.io:-443',
    // Dots.
    'myregistry.azurecr.io..',
    'myregistry..azurecr.io',
    '.myregistry.azurecr.io',
    'myregistry.azurecr..io',
    // Names that no registry can have.
    'abcd.azurecr.io',
    `${'a'.repeat(51)}.azurecr.io`,
    `${LABEL_64}.azurecr.io`,
    'my_registry.azurecr.io',
    'myregistry-.azurecr.io',
    '-myregistry.azurecr.io',
    'myreg-a-b.azurecr.io',
    'myregistry--a.azurecr.io',
    'myre-g.azurecr.io',
    '*.azurecr.io',
    'my registry.azurecr.io',
    // Endpoints that are not login servers.
    'myregistry.westeurope.data.azurecr.io',
    'myregistry.data.azurecr.io',
    'myregistry.privatelink.azurecr.io',
    'myregistry.exp.azurecr.io',
    'myregistry.geo.azurecr.io',
    'myregistry..geo.azurecr.io',
    'myregistry.a.geo.azurecr.io',
    'myregistry.west-europe.geo.azurecr.io',
    'myregistry.west.europe.geo.azurecr.io',
    'myregistry.westeurope.geo.data.azurecr.io',
    `myregistry.${'r'.repeat(64)}.geo.azurecr.io`,
    'evil.myregistry.azurecr.io',
    // Letters and digits of other alphabets, and dots that only look like one.
    'myregistrу.azurecr.io', // Cyrillic у
    'ｍｙｒｅｇｉｓｔｒｙ.azurecr.io',
    'myregistry１.azurecr.io',
    'myregistry٣.azurecr.io',
    'myregistry。azurecr。io',
    'myregistry．azurecr．io',
    'xn--myregistr-eih.azurecr.io',
    'myregistry.xn--azurecr-xyz.io',
    'myregiſtry.azurecr.io', // lower-cases to itself, upper-cases to s
    'myregistry.azurecr.\u0130o',
    'myregistry.a\u200Bzurecr.io',
    'myregistry.azurecr.\u212Ao',
    // Characters that end or hide a text somewhere.
    'myregistry.azurecr.io\0',
    'myregistry\0.azurecr.io',
    'evil.com\0.azurecr.io',
    'myregistry.azurecr.io\n',
    'myregistry.azurecr.io\nevil.com',
    'evil.com\nmyregistry.azurecr.io',
    'evil.com\r\nHost: myregistry.azurecr.io',
    ' myregistry.azurecr.io',
    'myregistry.azurecr.io ',
    'myregistry.azurecr.io\t',
    'myregistry.azurecr.io/\u2028evil.com',
    '\uFEFFmyregistry.azurecr.io',
    'myregistry.azurecr.io,evil.com',
    'myregistry.azurecr.io;evil.com',
    '"myregistry.azurecr.io"',
    // Addresses.
    '127.0.0.1',
    '127.0.0.1:443',
    '169.254.169.254',
    'https://2130706433',
    '[::1]',
    'https://[::1]:443/myregistry.azurecr.io',
    '[::ffff:127.0.0.1].azurecr.io',
    'localhost',
    '__proto__',
    'constructor',
  ];
  for (const serverUrl of rows) {
    test(JSON.stringify(serverUrl), () => {
      expect(parseRegistry(serverUrl)).toBeUndefined();
    });
  }
});

describe('parseRegistry does not backtrack over a hundred thousand characters of', () => {
  const long = 100_000;
  const rows: readonly (readonly [name: string, serverUrl: string])[] = [
    ['letters', 'a'.repeat(long)],
    ['letters before a suffix', `${'a'.repeat(long)}.azurecr.io`],
    ['dots', '.'.repeat(long)],
    ['dots after a login server', `myregistry.azurecr.io${'.'.repeat(long)}`],
    ['labels', `${'a.'.repeat(long / 2)}azurecr.io`],
    ['hyphens', `${'a-'.repeat(long / 2)}.azurecr.io`],
    ['geo labels', `myregistry.${'region.geo.'.repeat(long / 11)}azurecr.io`],
    ['suffixes', `myregistry${'.azurecr.io'.repeat(long / 11)}`],
    ['ports', `myregistry.azurecr.io${':443'.repeat(long / 4)}`],
    ['schemes', 'https://'.repeat(long / 8)],
    ['a path before an at sign', `myregistry.azurecr.io${'/a'.repeat(long / 2)}@`],
    ['slashes before an at sign', `myregistry.azurecr.io${'/'.repeat(long)}@`],
    ['at signs', 'myregistry.azurecr.io@'.repeat(long / 22)],
  ];
  for (const [name, serverUrl] of rows) {
    // A pattern that backtracks would take minutes, which the runner's own timeout ends.
    test(`${name}, which it rejects`, () => {
      expect(parseRegistry(serverUrl)).toBeUndefined();
    });
  }

  test('a path after a login server, which it accepts', () => {
    expect(parseRegistry(`myregistry.azurecr.io/${'a/'.repeat(long / 2)}`)?.host).toBe('myregistry.azurecr.io');
  });
});

test('parseRegistry returns only what it has checked, in lower case, and nothing else of the URL', () => {
  const registry = parseRegistry('HTTP://MyRegistry.WestEurope.geo.AzureCR.io.:443/Team/App');
  expect(registry).toEqual({
    host: 'myregistry.westeurope.geo.azurecr.io',
    service: 'myregistry.azurecr.io',
    cloud: CLOUDS.find(({ registrySuffix }) => registrySuffix === 'azurecr.io'),
  });
});
