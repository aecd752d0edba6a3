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
 * tries patterns in descending order, and `*` comes before `.`. It may match longer names too, but a kubelet keeps a
 * response for the registry of its request.
 */
export function lastResortPattern(registry: string): string {
  const end = registry.indexOf('.');
  return end < 0 ? registry : `${registry.slice(0, end)}*${registry.slice(end)}`;
}
