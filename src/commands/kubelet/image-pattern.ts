/**
 * The patterns by which a kubelet chooses a plug-in for an image, and a credential of its response.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/#configure-image-matching
 */

/** A pattern in its parts. */
export interface ImagePattern {
  /** The labels of the host; a `*` stands for any part of one label. */
  readonly labels: readonly string[];
  /** `undefined` for an image without a port. */
  readonly port: string | undefined;
  /** The beginning of the path; empty for every path. */
  readonly path: string;
}

const MAX_LENGTH = 1000;
/** Other characters either stop the kubelet or never occur in the name of an image. */
const PATTERN = /^(?<host>[A-Za-z0-9._*-]+)(?::(?<port>\d{1,5}))?(?<path>\/[A-Za-z0-9._:@*/-]*)?$/;

/**
 * Parses a pattern, or an image without a tag.
 * @returns `undefined` when it is not a host with an optional port and path.
 */
export function parsePattern(text: string): ImagePattern | undefined {
  const { host, port, path = '' } = (text.length > MAX_LENGTH ? null : PATTERN.exec(text))?.groups ?? {};
  return host === undefined ? undefined : { labels: host.split('.'), port, path };
}

/** Whether a pattern matches an image, which has neither a tag nor a digest. */
export function matchesImage(pattern: string, image: string): boolean {
  const [wanted, found] = [parsePattern(pattern), parsePattern(image)];
  if (wanted === undefined || found === undefined) return false;
  return (
    wanted.port === found.port &&
    wanted.labels.length === found.labels.length &&
    found.path.startsWith(wanted.path) &&
    wanted.labels.every((label, index) => matchesLabel(label, found.labels[index] ?? ''))
  );
}

/** Whether a label with `*` in it matches one label of an image's host. */
function matchesLabel(pattern: string, label: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return pattern === label;
  if (!label.startsWith(start) || !label.slice(start.length).endsWith(end)) return false;
  const limit = label.length - end.length;
  let at = start.length;
  for (const part of parts) {
    const found = label.indexOf(part, at);
    if (found < 0 || found + part.length > limit) return false;
    at = found + part.length;
  }
  return true;
}

/**
 * Whether a kubelet cannot even read a pattern, so that it does not start: what stands behind `https://` must be a URL.
 * @see https://pkg.go.dev/net/url#Parse
 */
export function isUnreadable(text: string): boolean {
  const [authority = ''] = text.split(/[/?#]/, 1);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const colon = host.indexOf(':');
  const isAddress = /^\[[0-9A-Fa-f:.]{1,50}\](?::\d*)?$/.test(host);
  const hasWrongPort = colon >= 0 && !/^\d*$/.test(host.slice(colon + 1));
  const [beforeQuery = ''] = text.split(/[?#]/, 1);
  return (
    /\p{Cc}/u.test(text) ||
    /[\s^|{}\\`]/.test(host) ||
    /%(?![0-9A-Fa-f]{2})/.test(beforeQuery) ||
    (!isAddress && (/[[\]]/.test(host) || hasWrongPort))
  );
}

/**
 * Says why a pattern never matches an image, however it is called.
 * @returns `undefined` when it can match one.
 */
export function explainFutility(text: string): string | undefined {
  if (/^[A-Za-z]{1,10}:\/\//.test(text)) return 'an image has no scheme';
  const pattern = parsePattern(text);
  if (pattern === undefined) return 'it is not a host with an optional port and a path';
  const { labels, port, path } = pattern;
  if (labels.some((label) => label === '')) return 'a label of its host is empty';
  if (/[A-Z]/.test(path)) return 'the path of an image has no upper-case letter';
  if (path.includes('*')) return 'a * stands for a part of the host only; a path matches all that begins with it';
  if (/[:@]/.test(path)) return 'the kubelet compares the image without its tag or digest';
  if (path.includes('//')) return 'an image has no empty path segment';
  if (labels.length === 1 && port === undefined && labels[0] !== 'localhost') {
    return 'an image whose first part has neither a dot nor a port is one of docker.io';
  }
  return undefined;
}

const MAX_IMAGE_LENGTH = 500;
/** @see https://pkg.go.dev/github.com/distribution/reference */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*$/;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*(?::\d{1,5})?$/;
const DIGEST = /@(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;
/** Both names of Docker Hub. */
const DOCKER_HUB = ['docker.io', 'index.docker.io'];
const TAG = /:\w[\w.-]{0,127}$/;

/**
 * Parses the image of a container as the kubelet does: without a tag or a digest, and with the host that a short name
 * stands for.
 * @returns such as `docker.io/library/nginx`; `undefined` when it names no image.
 */
export function parseImage(text: string): string | undefined {
  if (text.length > MAX_IMAGE_LENGTH) return undefined;
  const name = text.trim().replace(DIGEST, '');
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const path = (isHost ? name.slice(slash + 1) : name).replace(TAG, '');
  if (!REPOSITORY.test(path)) return undefined;
  if (isHost && !DOCKER_HUB.includes(first)) return HOST.test(first) ? `${first}/${path}` : undefined;
  return path.includes('/') ? `docker.io/${path}` : `docker.io/library/${path}`;
}
