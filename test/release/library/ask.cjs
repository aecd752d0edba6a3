// A CommonJS program that uses only the package.
const { CredentialError, ERROR_CODES, createCredentialProvider, getCredential } = require('docker-credential-acr');

async function main() {
  const { username, secret, expiresAt } = await getCredential(process.argv[2]);
  const isThere =
    ERROR_CODES.length > 0 && typeof createCredentialProvider === 'function' && CredentialError.name !== '';
  console.log(JSON.stringify({ username, secret, minutes: Math.round((expiresAt - Date.now()) / 60_000), isThere }));
}

void main();
