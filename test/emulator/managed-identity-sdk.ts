/**
 * Runs the official `ManagedIdentityCredential`, unchanged, in whatever environment it is given, and prints what came
 * out as one line of JSON. A process of its own, since the library remembers tokens and sources for a process's life.
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
