/** `kubelet`: the commands for the nodes of Kubernetes. Without one of them, the kubelet calls it for a credential. */

import { defineGroup, GROUPS } from './command.ts';
import { KUBELET_CONFIG } from './kubelet-config.ts';
import { KUBELET_DOCTOR } from './kubelet-doctor.ts';
import { KUBELET_INSTALL } from './kubelet-install.ts';
import { KUBELET_UNINSTALL } from './kubelet-uninstall.ts';

/** The command `kubelet`. */
export const KUBELET = defineGroup(
  {
    name: 'kubelet',
    group: GROUPS.kubernetes,
    summary: 'let the nodes of Kubernetes pull, and find out why they cannot',
  },
  [KUBELET_CONFIG, KUBELET_DOCTOR, KUBELET_INSTALL, KUBELET_UNINSTALL],
);
