/** The versions of Kubernetes, and what its kubelets learned when. */

/** The newest version whose kubelet was tried. Later ones are expected to read the same configuration. */
export const NEWEST_MINOR = 36;

/** The minor version of Kubernetes 1 that brought something. */
export const SINCE_MINOR = {
  /** The kubelet asks plug-ins without being told to; its API is v1beta1. */
  plugins: 24,
  /** The API is v1. */
  v1: 26,
  /** The kubelet can send a service account's token, behind a gate that is off. */
  tokens: 33,
  /** That gate is on, and `cacheType` is required. */
  tokensByDefault: 34,
  /** `--image-credential-provider-config` may name a folder. */
  folders: 34,
} as const;

/** The gate of the service accounts' tokens. */
export const TOKEN_GATE = 'KubeletServiceAccountTokenForCredentialProviders';

/**
 * Parses a version such as `1.34`, `v1.34.2+k3s1`, or `Kubernetes v1.34.2`.
 * @returns the minor version of Kubernetes 1; `undefined` for any other text.
 */
export function parseMinor(text: string): number | undefined {
  const minor = /^(?:[A-Za-z0-9]{1,20} (?:version )?)?v?1\.(\d{1,3})(?:[.+ -].{0,200})?$/.exec(text.trim())?.[1];
  // What is built from a branch without a tag calls itself 0.0.
  return minor === undefined ? undefined : Number(minor);
}

/** Formats a version, such as `Kubernetes 1.34`. */
export function formatMinor(minor: number): string {
  return `Kubernetes 1.${minor}`;
}
