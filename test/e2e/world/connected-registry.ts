/** A registry with one user and a password, over plain http or https, in place of a connected registry. */
import { webcrypto } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import '../../emulator/reflect-metadata.ts';
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { findFreePort } from './free-port.ts';
import type { Machine } from './machine.ts';
import { partOf } from './parts.ts';
import { waitForServer } from './process.ts';

export const EDGE_USER = 'edge-client';
export const EDGE_PASSWORD = 'edge client&pw';
/** bcrypt of the password above. */
const PASSWORD_HASH = '$2b$04$z0W2F4DziD4J9szd8HF8J.gm947BdLsg9SF0Xl4G9psBg1ATmtZyS';

/**
 * Starts the registry, which stops with the machine.
 * @param scheme https has a certificate for the address and for `localhost`; see {@link trustConnectedRegistry}.
 * @returns its `host:port`
 */
export async function startConnectedRegistry(machine: Machine, scheme: 'http' | 'https' = 'http'): Promise<string> {
  const host = `127.0.0.1:${await findFreePort()}`;
  const folder = join(machine.folder, 'connected-registry');
  mkdirSync(folder);
  const users = join(folder, 'users');
  writeFileSync(users, `${EDGE_USER}:${PASSWORD_HASH}\n`);
  const configuration = join(folder, 'registry.yml');
  const [certificateFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  if (scheme === 'https') await writeCertificate(certificateFile, keyFile);
  const tls = scheme === 'https' ? `, tls: { certificate: ${certificateFile}, key: ${keyFile} }` : '';
  writeFileSync(
    configuration,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      `storage: { filesystem: { rootdirectory: ${folder} } }`,
      `auth: { htpasswd: { realm: edge, path: ${users} } }`,
      `http: { addr: '${host}', secret: throw-away${tls} }`,
      '',
    ].join('\n'),
  );
  const environment = { OTEL_TRACES_EXPORTER: 'none' };
  const server = machine.start(partOf('docker-registry'), ['serve', configuration], { environment, folder });
  await waitForServer(server, () => listens(host));
  return host;
}

/** @returns the variable that makes clients trust the certificate of the registry too. */
export function trustConnectedRegistry(machine: Machine): Readonly<Record<string, string>> {
  const file = join(machine.folder, 'connected-registry', 'trusted.pem');
  const trusted = [
    machine.environment['SSL_CERT_FILE'] ?? '',
    join(machine.folder, 'connected-registry', 'certificate.pem'),
  ];
  writeFileSync(file, trusted.map((name) => readFileSync(name, 'utf8')).join('\n'));
  return { SSL_CERT_FILE: file };
}

async function writeCertificate(certificateFile: string, keyFile: string): Promise<void> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Connected registry',
    notBefore: new Date('2020-01-01T00:00:00Z'),
    notAfter: new Date('2049-12-31T00:00:00Z'),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  writeFileSync(certificateFile, `${certificate.toString('pem')}\n`);
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  writeFileSync(keyFile, PemConverter.encode(key, 'PRIVATE KEY'), { mode: 0o600 });
}

/** Whether a server accepts connections there. */
function listens(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(host.slice(host.lastIndexOf(':') + 1)), '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
