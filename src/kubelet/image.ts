/** The registry in the name of an image, and the patterns by which a kubelet finds its credentials. */

/**
 * Returns the registry of an image as the image names it, with its port.
 * @param image without tag and digest, as kubelets send it.
 */
export function registryOf(image: string): string {
  const end = image.indexOf('/');
  return end < 0 ? image : image.slice(0, end);
}

/**
 * Returns the pattern under which a kubelet finds a credential of a registry after the one of the registry itself: it
 * tries patterns in descending order, and `*` comes before `.`. The pattern may match longer names too, but a kubelet
 * uses a response only for the registry of its request.
 * @returns `undefined` for a registry without a dot: no pattern would come after its name.
 */
export function lastResortPattern(registry: string): string | undefined {
  const end = registry.indexOf('.');
  return end < 0 ? undefined : `${registry.slice(0, end)}*${registry.slice(end)}`;
}
