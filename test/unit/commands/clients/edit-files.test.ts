import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LockAttempt } from '../../../../src/cache/lock.ts';
import type { ClientFile, ClientName } from '../../../../src/commands/clients/client-config.ts';
import { applyEdits, type FileEdit, planEdits, type Wish } from '../../../../src/commands/clients/edit-files.ts';
import { readRecords } from '../../../../src/commands/clients/edit-records.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();
const HOST = 'myregistry.azurecr.io';
const OTHER = 'other1.azurecr.io';

const runtime = () => makeRuntime({ HOME: folder.path('home'), DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data') });
const recordsFile = () => folder.path('data', 'clients.json');

function clientFile(name: string, text?: string, client: ClientName = 'docker'): ClientFile {
  const file = folder.path(name);
  if (text !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return { client, file, namedBy: undefined };
}

function wish(kind: Wish['kind'], hosts: readonly string[] = [HOST], changes: Partial<Wish> = {}): Wish {
  return { kind, hosts, helper: 'acr', isForced: false, isClearedAuth: undefined, ...changes };
}

const apply = (files: readonly ClientFile[], ...what: Parameters<typeof wish>): Promise<readonly FileEdit[]> =>
  applyEdits(runtime(), files, wish(...what));

test('a plan writes nothing', async () => {
  const file = clientFile('docker/config.json', '{}');
  const [plan] = await planEdits(runtime(), [file], wish('add'));
  expect(plan).toMatchObject({ before: '{}', added: [HOST], problem: undefined });
  expect(plan?.after).toContain(HOST);
  expect(readFileSync(file.file, 'utf8')).toBe('{}');
  expect(existsSync(folder.path('data'))).toBe(false);
});

describe('after unconfigure', () => {
  test.each([
    ['{ }\n'],
    [''],
    [' \n'],
    ['{"credHelpers":{\n}}'],
    ['\uFEFF'],
    [undefined],
    ['{\r\n "auths": {}\r\n}\r\n'],
  ])('%j is there again, in whatever order', async (text) => {
    const files = [clientFile('docker/config.json', text)];
    const [{ file = '' } = {}] = files;
    for (const [first, second] of [
      [HOST, OTHER],
      [OTHER, HOST],
    ] as const) {
      await apply(files, 'add', [HOST]);
      await apply(files, 'add', [OTHER]);
      await apply(files, 'remove', [first]);
      expect(readFileSync(file, 'utf8')).toContain(second);
      await apply(files, 'remove', [second]);
      expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(text);
      expect(existsSync(dirname(file))).toBe(text !== undefined);
      expect(readdirSync(folder.path('data'))).toEqual([]);
    }
  });

  test('a folder that was created for two files is gone with the last of them', async () => {
    const podman = clientFile('config/containers/auth.json', undefined, 'podman');
    const helm = clientFile('config/helm/registry/config.json', undefined, 'helm');
    for (const [first, last] of [
      [podman, helm],
      [helm, podman],
    ] as const) {
      await apply([podman, helm], 'add');
      await apply([first], 'remove');
      expect(existsSync(last.file)).toBe(true);
      await apply([last], 'remove');
      expect(existsSync(folder.path('config'))).toBe(false);
    }
    mkdirSync(folder.path('config'));
    await apply([podman, helm], 'add');
    await apply([podman, helm], 'remove');
    expect(readdirSync(folder.path('config'))).toEqual([]);
  });

  test('what another program has written in between is kept', async () => {
    const files = [clientFile('docker/config.json')];
    const [{ file = '' } = {}] = files;
    await apply(files, 'add');
    writeFileSync(file, readFileSync(file, 'utf8').replace('{\n', '{\n\t"auths": {\n\t\t"a": {}\n\t},\n'));
    await apply(files, 'remove');
    expect(readFileSync(file, 'utf8')).toBe('{\n\t"auths": {\n\t\t"a": {}\n\t}\n}');
  });
});

test('without a folder for the record, the hosts are removed all the same', async () => {
  const file = clientFile('docker/config.json', '{ }');
  const poor = makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: 'relative' });
  await applyEdits(poor, [file], wish('add'));
  await applyEdits(poor, [file], wish('remove'));
  expect(readFileSync(file.file, 'utf8')).toBe('{}');
});

test('a record that others could have written is not used', async () => {
  const files = [clientFile('docker/config.json')];
  await apply(files, 'add');
  chmodSync(recordsFile(), 0o644);
  await apply(files, 'remove');
  expect(readFileSync(files[0]?.file ?? '', 'utf8')).toBe('{}');
});

test('the record of a file that is gone goes with the next change', async () => {
  await apply([clientFile('one/config.json')], 'add');
  rmSync(folder.path('one'), { recursive: true });
  await apply([clientFile('two/config.json')], 'add');
  expect([...readRecords(recordsFile()).keys()]).toEqual([folder.path('two/config.json')]);
});

test.each([
  ['{"version":2,"files":{"/x":{"isCreated":true,"hosts":{"a":null},"folders":[]}}}'],
  ['{"version":1,"files":{"/x":{"isCreated":true,"hosts":{"a":null},"rootBlank":"\\"evil\\""}}}'],
  ['{"version":1,"files":{"/x":{"isCreated":true,"hosts":{}}}}'],
  ['{"version":1,"files":{"/x":{"isCreated":true,"hosts":{"a":null},"blankText":1}}}'],
  ['{"version":1,"files":[]}'],
  ['not JSON'],
])('records such as %s count as none', (text) => {
  clientFile('data/clients.json', text);
  chmodSync(recordsFile(), 0o600);
  expect(readRecords(recordsFile()).size).toBe(0);
});

test('a record restores only what is the name of a helper', () => {
  clientFile(
    'data/clients.json',
    '{"version":1,"files":{"/x":{"hosts":{"a":"\\"b\\"","c":"}","d":"1"},"helpers":{"a":"acr","c":1},"folders":[1,"/y"]}}}',
  );
  chmodSync(recordsFile(), 0o600);
  const hosts = new Map([
    ['a', '"b"'],
    ['c', undefined],
    ['d', undefined],
  ]);
  expect(readRecords(recordsFile()).get('/x')).toEqual({
    ...{ isCreated: false, before: {}, hosts, folders: ['/y'] },
    helpers: new Map([['a', 'acr']]),
  });
});

test('a file with a mistake stays as it is, and the others are changed', async () => {
  const [broken, right] = [clientFile('a.json', '{"auths":'), clientFile('b.json', '{}', 'podman')];
  const edits = await apply([broken, right], 'add');
  expect(edits.map(({ problem }) => problem)).toEqual([expect.stringContaining('not valid JSON'), undefined]);
  expect(readFileSync(broken.file, 'utf8')).toBe('{"auths":');
  expect(readFileSync(right.file, 'utf8')).toContain(HOST);
});

test('a file that two clients share is changed once', async () => {
  const docker = clientFile('docker/config.json', '{}');
  mkdirSync(folder.path('containers'));
  symlinkSync('../docker/config.json', folder.path('containers', 'auth.json'));
  const edits = await apply([docker, clientFile('containers/auth.json', undefined, 'podman')], 'add');
  expect(edits).toMatchObject([{ file: docker.file, clients: ['docker', 'podman'] }]);
});

test('passwords are removed together with the hosts that are added', async () => {
  const file = clientFile('docker/config.json', `{"auths":{"${HOST}":{"auth":"x"},"a":{"auth":"y"}}}`);
  const [edit] = await apply([file], 'add', [HOST], { isClearedAuth: (key) => key === HOST });
  expect(edit).toMatchObject({ clearedAuths: [HOST], added: [HOST] });
  expect(readFileSync(file.file, 'utf8')).toBe(`{"auths":{"a":{"auth":"y"}},"credHelpers":{"${HOST}":"acr"}}`);
});

describe('a file that another program changes after it was read', () => {
  const auths = (...keys: readonly string[]) => `{"auths":{${keys.map((key) => `"${key}":{"auth":"x"}`).join(',')}}}`;

  /** Changes the file while the new text is made of the old one. */
  function interfere(file: string, times: number): Partial<Wish> {
    let count = 0;
    const isClearedAuth = () => {
      if (count < times) {
        count += 1;
        writeFileSync(file, auths(...Array.from({ length: count + 1 }, (_, index) => `login${index}`)));
      }
      return false;
    };
    return { isClearedAuth };
  }

  test('is read again, and loses nothing', async () => {
    const file = clientFile('docker/config.json', auths('login0'));
    const [edit] = await apply([file], 'add', [HOST], interfere(file.file, 2));
    expect(edit?.problem).toBeUndefined();
    const { auths: after, credHelpers } = JSON.parse(readFileSync(file.file, 'utf8'));
    expect([Object.keys(after), credHelpers]).toEqual([['login0', 'login1', 'login2'], { [HOST]: 'acr' }]);
  });

  test('is left alone if that never ends', async () => {
    const file = clientFile('docker/config.json', auths('login0'));
    const [edit] = await apply([file], 'add', [HOST], interfere(file.file, 1000));
    expect(edit?.problem).toBe('another program keeps changing it');
    expect(readFileSync(file.file, 'utf8')).not.toContain(HOST);
    expect(readdirSync(folder.path('docker'))).toEqual(['config.json']);
    expect(readRecords(recordsFile()).size).toBe(0);
  });
});

test('two changes at once lose nothing', async () => {
  const file = clientFile('docker/config.json', '{}');
  const edits = await Promise.all([apply([file], 'add', [HOST]), apply([file], 'add', [OTHER])]);
  expect(edits.flat().map(({ problem }) => problem)).toEqual([undefined, undefined]);
  expect(JSON.parse(readFileSync(file.file, 'utf8'))).toEqual({ credHelpers: { [HOST]: 'acr', [OTHER]: 'acr' } });
  expect(readdirSync(folder.path('data'))).toEqual(['clients.json']);
});

test('a change waits while another process holds the lock', async () => {
  const file = clientFile('docker/config.json', '{}');
  mkdirSync(folder.path('data'), { mode: 0o700 });
  const lock = new LockAttempt(folder.path('data'), 'clients.lock').try();
  const edits = apply([file], 'add');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(readFileSync(file.file, 'utf8')).toBe('{}');
  lock?.release();
  expect((await edits)[0]?.added).toEqual([HOST]);
});
