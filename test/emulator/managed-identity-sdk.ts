/**
 * Runs the official `ManagedIdentityCredential`, unchanged, in the environment that it is given, and prints the result
 * as one line of JSON. It is a process of its own because the library caches tokens and sources for its lifetime.
 */
import { ManagedIdentityCredential } from '@azure/identity';

const { TEST_CLIENT_ID: clientId, TEST_OBJECT_ID: objectId, TEST_RESOURCE_ID: resourceId } = process.env;

function createCredential(): ManagedIdentityCredential {
  if (clientId !== undefined) return new ManagedIdentityCredential({ clientId });
  if (objectId !== undefined) return new ManagedIdentityCredential({ objectId });
  if (resourceId !== undefined) return new ManagedIdentityCredential({ resourceId });
  return new ManagedIdentityCredential();
}

try {
  const { token } = await createCredential().getToken('https://containerregistry.azure.net/.default');
  process.stdout.write(JSON.stringify({ token }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
