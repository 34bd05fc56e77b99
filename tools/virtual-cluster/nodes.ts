/** Simulated nodes, shaped by the hardware table. */
import type { V1Node, V1PersistentVolume, V1StorageClass } from "@kubernetes/client-node";
import type { NodeShape } from "../../src/hardware/node-shapes.ts";

/** Name of the n-th node of a shape, counted from 1. */
export const nodeName = (shapeName: string, number: number): string =>
  `${shapeName}-${String(number).padStart(4, "0")}`;

/** A node as its kubelet would register it; kwok keeps it ready. */
export function simulatedNode(shapeName: string, shape: NodeShape, number: number): V1Node {
  const name = nodeName(shapeName, number);
  const allocatable = (cores: number, memoryGiB: number) => ({
    cpu: String(cores),
    memory: `${memoryGiB}Gi`,
    pods: "110",
    [shape.resourceName]: String(shape.npusPerNode),
  });
  return {
    metadata: {
      name,
      labels: {
        ...shape.nodeLabels,
        type: "kwok",
        "kubernetes.io/arch": shape.architecture,
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
      },
      annotations: { "kwok.x-k8s.io/node": "fake" },
    },
    status: {
      capacity: allocatable(shape.processorCores, shape.memoryGiB),
      allocatable: allocatable(
        shape.processorCores - shape.reservedProcessorCores,
        shape.memoryGiB - shape.reservedMemoryGiB,
      ),
      nodeInfo: {
        architecture: shape.architecture,
        bootID: "",
        containerRuntimeVersion: "simulated://0",
        kernelVersion: "simulated",
        kubeProxyVersion: "simulated",
        kubeletVersion: "simulated",
        machineID: "",
        operatingSystem: "linux",
        osImage: "simulated",
        systemUUID: "",
      },
    },
  };
}

/** Storage class of a virtual cluster, and its default. */
export const simulatedStorageClass = "simulated";

/** The class: volumes are there beforehand, nothing makes them on demand. */
export const storageClass: V1StorageClass = {
  metadata: { name: simulatedStorageClass, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  provisioner: "kubernetes.io/no-provisioner",
  reclaimPolicy: "Retain",
  volumeBindingMode: "Immediate",
};

/** A volume that any claim fits and that nothing ever mounts: simulated pods read and write no file. */
export function simulatedVolume(name: string): V1PersistentVolume {
  return {
    metadata: { name },
    spec: {
      storageClassName: simulatedStorageClass,
      capacity: { storage: "100Ti" },
      accessModes: ["ReadWriteMany", "ReadWriteOnce", "ReadOnlyMany"],
      persistentVolumeReclaimPolicy: "Retain",
      nfs: { server: "simulated.invalid", path: `/${name}` },
    },
  };
}
