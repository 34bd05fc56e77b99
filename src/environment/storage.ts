/** The claims and volumes that an environment makes. Data outlives the stack unless the stack file says otherwise. */
import type { Environment, VolumeSettings } from "../config/schema.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { claimName, isClaimMade, isVolumeMade, volumeRoles } from "../kubernetes/volumes.ts";
import type { VolumeRole } from "../stages/stage-plan.ts";
import { type NamedEnvironment, ownObject } from "./own-object.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Name of a PersistentVolume. It belongs to the whole cluster, so it carries the namespace. */
const volumeName = ({ namespace }: Environment, role: VolumeRole): string => `${namespace}-${role}`;

const optional = (name: string, value: unknown): Fields => (value === undefined ? {} : { [name]: value });

const unlessEmpty = (name: string, value: object): Fields => (Object.keys(value).length === 0 ? {} : { [name]: value });

/** Where the data of a PersistentVolume lies, and how it is mounted. */
function volumeSource(settings: VolumeSettings): Fields {
  const { csi, nfs } = settings;
  if (csi !== undefined) {
    return {
      capacity: { storage: csi.capacity },
      ...unlessEmpty("mountOptions", csi.mountOptions),
      csi: {
        driver: csi.driver,
        volumeHandle: csi.volumeHandle,
        ...optional("fsType", csi.fileSystem),
        ...unlessEmpty("volumeAttributes", csi.attributes),
        ...optional("nodePublishSecretRef", csi.secrets.nodePublish),
        ...optional("nodeStageSecretRef", csi.secrets.nodeStage),
      },
    };
  }
  return {
    capacity: { storage: nfs?.persistentVolume?.capacity },
    ...unlessEmpty("mountOptions", nfs?.persistentVolume?.mountOptions ?? []),
    nfs: { server: nfs?.server, path: nfs?.path },
  };
}

/** Data survives: neither a deleted claim nor a destroyed stack takes it along. */
const kept = (object: PlannedObject, isKept: boolean): PlannedObject => ({
  ...object,
  isProtected: isKept,
  isRetained: isKept,
});

function volumeObject(named: NamedEnvironment, role: VolumeRole): PlannedObject {
  const { environment } = named;
  const settings = environment.storage[role];
  const object = ownObject(named, {
    name: `volume-${role}`,
    apiVersion: "v1",
    kind: "PersistentVolume",
    objectName: volumeName(environment, role),
    component: "storage",
    isClusterScoped: true,
    fields: {
      spec: {
        ...volumeSource(settings),
        accessModes: [settings.accessMode],
        persistentVolumeReclaimPolicy: "Retain",
        // Reserved for this claim alone: no other claim of the cluster may take the data.
        claimRef: {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace: environment.namespace,
          name: claimName(role),
        },
      },
    },
  });
  return kept(object, settings.retain);
}

function claimObject(named: NamedEnvironment, role: VolumeRole): PlannedObject {
  const { environment } = named;
  const settings = environment.storage[role];
  const isStatic = isVolumeMade(environment, role);
  const size = settings.size ?? settings.csi?.capacity ?? settings.nfs?.persistentVolume?.capacity;
  const object = ownObject(named, {
    name: `claim-${role}`,
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    objectName: claimName(role),
    component: "storage",
    fields: {
      spec: {
        accessModes: [settings.accessMode],
        resources: { requests: { storage: size } },
        // The empty class keeps the cluster's default class away from a claim that has its volume already.
        ...(isStatic
          ? { storageClassName: "", volumeName: volumeName(environment, role) }
          : optional("storageClassName", settings.storageClass)),
      },
    },
    after: isStatic ? [`volume-${role}`] : [],
  });
  return kept(object, settings.retain);
}

/** Claims of the environment, each after its volume. */
export function storageObjects(named: NamedEnvironment): readonly PlannedObject[] {
  const roles = volumeRoles.filter((role) => isClaimMade(named.environment, role));
  return roles.flatMap((role) => [
    ...(isVolumeMade(named.environment, role) ? [volumeObject(named, role)] : []),
    claimObject(named, role),
  ]);
}

/** A namespace that holds retained claims must outlive the stack, for its end would end them. */
export const holdsRetainedClaims = (environment: Environment): boolean =>
  volumeRoles.some((role) => isClaimMade(environment, role) && environment.storage[role].retain);
