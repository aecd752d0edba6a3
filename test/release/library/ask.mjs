// An ES module that uses only the package.
import { CredentialError, createCredentialProvider, ERROR_CODES, getCredential } from 'docker-credential-acr';

const { username, secret, expiresAt } = await getCredential(process.argv[2]);
const isThere = ERROR_CODES.length > 0 && typeof createCredentialProvider === 'function' && CredentialError.name !== '';
console.log(JSON.stringify({ username, secret, minutes: Math.round((expiresAt - Date.now()) / 60_000), isThere }));
