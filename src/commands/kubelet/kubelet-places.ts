/** Where kubelets look for their plug-ins, by installer. */

/** Where a kubelet looks for programs and for its configuration of them. */
export interface KubeletPlaces {
  readonly configPath: string;
  readonly binFolder: string;
}

/** The places on nodes of AKS, which this program takes where nothing names others. */
export const AKS_PLACES: KubeletPlaces = {
  configPath: '/var/lib/kubelet/credential-provider-config.yaml',
  binFolder: '/var/lib/kubelet/credential-provider',
};

/**
 * The folder of k3s and rke2, which use what is in it without any flag.
 * @see https://docs.k3s.io/cli/agent
 */
export const K3S_FOLDER = '/var/lib/rancher/credentialprovider';

/** The places on nodes of k3s and rke2. */
export const K3S_PLACES: KubeletPlaces = { configPath: `${K3S_FOLDER}/config.yaml`, binFolder: `${K3S_FOLDER}/bin` };
