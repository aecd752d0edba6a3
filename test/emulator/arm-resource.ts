/** What Azure Resource Manager says of every resource, for a registry. */
import type { Registry } from './state.ts';

/** A login server may carry a hash behind a hyphen, which the resource's name does not. */
export function resourceNameOf({ loginServer }: Registry): string {
  return loginServer.split('.')[0]?.split('-')[0] ?? '';
}

/** The members that every resource has. */
export function describeResource(registry: Registry) {
  const name = resourceNameOf(registry);
  const { subscriptionId, resourceGroup, location } = registry.resource;
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerRegistry/registries/${name}`;
  return { id, name, type: 'Microsoft.ContainerRegistry/registries', location };
}
