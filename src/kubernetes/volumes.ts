/** The environment's volumes as Kubernetes sees them: claims to make, and volumes of a pod. */
import type { Environment } from "../config/schema.ts";
import type { VolumeRole } from "../stages/stage-plan.ts";

/** Roles in the order in which they are listed everywhere. */
export const volumeRoles: readonly VolumeRole[] = ["weights", "dataset", "checkpoints"];

/** Name of the claim that an environment makes for a role. */
export const claimName = (role: VolumeRole): string => role;

/** Whether the environment makes a PersistentVolume for the role: a volume that exists on a file server or in a CSI driver. */
export const isVolumeMade = (environment: Environment, role: VolumeRole): boolean =>
  environment.storage[role].csi !== undefined || environment.storage[role].nfs?.persistentVolume !== undefined;

/** Whether the environment makes a claim for the role, rather than using one that exists or a file server directly. */
export const isClaimMade = (environment: Environment, role: VolumeRole): boolean =>
  environment.storage[role].size !== undefined || isVolumeMade(environment, role);

/** The API server drops fields that are false or empty; written out, they would look like a change after every refresh. */
const readOnlyField = (isReadOnly: boolean) => (isReadOnly ? { readOnly: true } : {});

/** The pod's volume for a role. */
export function podVolume(environment: Environment, role: VolumeRole): Readonly<Record<string, unknown>> {
  const settings = environment.storage[role];
  const readOnly = readOnlyField(settings.readOnly);
  if (settings.nfs !== undefined && !isClaimMade(environment, role)) {
    return { name: role, nfs: { server: settings.nfs.server, path: settings.nfs.path, ...readOnly } };
  }
  return {
    name: role,
    persistentVolumeClaim: { claimName: settings.claim ?? claimName(role), ...readOnly },
  };
}

/** The container's mount for a role. */
export function volumeMount(environment: Environment, role: VolumeRole): Readonly<Record<string, unknown>> {
  const settings = environment.storage[role];
  return {
    name: role,
    mountPath: settings.mountPath,
    ...readOnlyField(settings.readOnly),
    ...(settings.subPath === undefined ? {} : { subPath: settings.subPath }),
  };
}
