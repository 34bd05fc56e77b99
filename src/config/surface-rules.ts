/** Rules across sections of a stack file that need nothing but the file and the hardware table. */
import { nodeShapeOf } from "../hardware/node-shapes.ts";
import type { Diagnostic } from "./diagnostics.ts";
import type { Environment } from "./schema.ts";

const roles = ["weights", "dataset", "checkpoints"] as const;

const isInside = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(outer.endsWith("/") ? outer : `${outer}/`);

function mountProblems({ storage }: Environment): readonly Diagnostic[] {
  return roles.flatMap((role) =>
    roles
      .filter((other) => other !== role && isInside(storage[role].mountPath, storage[other].mountPath))
      .filter(
        (other) => storage[role].mountPath !== storage[other].mountPath || roles.indexOf(other) < roles.indexOf(role),
      )
      .map(
        (other): Diagnostic => ({
          severity: "error",
          rule: "mounts-apart",
          path: ["storage", role, "mountPath"],
          what: `the mount lies in that of ${other}`,
          got: storage[role].mountPath,
          allowed: `a path outside ${storage[other].mountPath}`,
          nearest: [`/mnt/${role}`],
        }),
      ),
  );
}

function writableProblems({ storage }: Environment): readonly Diagnostic[] {
  return (["weights", "checkpoints"] as const)
    .filter((role) => storage[role].readOnly)
    .map((role) => ({
      severity: "error",
      rule: "written-volumes-writable",
      path: ["storage", role, "readOnly"],
      what: `stages write to the ${role} volume`,
      got: "true",
      allowed: "false",
      nearest: ["false"],
    }));
}

/** Access modes are known of claims that the environment makes; those of existing claims are the cluster's to tell. */
function accessProblems({ storage, runs }: Environment): readonly Diagnostic[] {
  const isShared = Object.values(runs).some(({ nodes }) => nodes > 1) || Object.keys(runs).length > 1;
  return roles.flatMap((role): readonly Diagnostic[] => {
    const { size, csi, nfs, accessMode, readOnly } = storage[role];
    if (size === undefined && csi === undefined && nfs?.persistentVolume === undefined) return [];
    const problem = { severity: "error", path: ["storage", role, "accessMode"], got: accessMode } as const;
    const many = { allowed: "ReadWriteMany", nearest: ["ReadWriteMany"] } as const;
    if (accessMode === "ReadWriteOnce" && isShared) {
      const what = "several nodes or runs need the volume at the same time";
      return [{ ...problem, ...many, rule: "shared-volumes-shared", what }];
    }
    if (accessMode !== "ReadOnlyMany") return [];
    if (role !== "dataset") {
      return [{ ...problem, ...many, rule: "written-volumes-writable", what: `stages write to the ${role} volume` }];
    }
    if (size !== undefined) {
      const what = "a new claim that nobody may write to stays empty";
      return [{ ...problem, ...many, rule: "read-only-volumes-filled", what }];
    }
    if (readOnly) return [];
    const remedy = "add readOnly: true";
    return [{ ...problem, rule: "read-only-volumes-read", what: "pods would mount the volume for writing", remedy }];
  });
}

/** Folders of the pod that no volume may cover. */
const reservedFolders = ["/etc/ascend-stacks", "/dev", "/proc", "/sys"];

function reservedProblems({ storage, image }: Environment): readonly Diagnostic[] {
  const taken = [...reservedFolders, image.workingDirectory, image.runtimeFolder];
  return roles.flatMap((role) => {
    const path = storage[role].mountPath;
    const clash = taken.find((folder) => isInside(path, folder) || isInside(folder, path));
    if (clash === undefined) return [];
    return [
      {
        severity: "error" as const,
        rule: "mounts-cover-nothing",
        path: ["storage", role, "mountPath"],
        what: `the mount would cover or lie in ${clash}, which the pod needs`,
        got: path,
        allowed: "a folder of its own",
        nearest: [`/mnt/${role}`],
      },
    ];
  });
}

function runProblems(environment: Environment): readonly Diagnostic[] {
  const shape = nodeShapeOf(environment.cluster.nodeShape);
  return Object.entries(environment.runs).flatMap(([name, run]) => {
    const found: Diagnostic[] = [];
    const path = (...keys: readonly string[]): readonly string[] => ["runs", name, ...keys];
    if (run.nodes > environment.cluster.nodes) {
      found.push({
        severity: "error",
        rule: "nodes-available",
        path: path("nodes"),
        what: "the run wants more nodes than the environment may use",
        got: `${run.nodes}`,
        allowed: `at most ${environment.cluster.nodes} (cluster.nodes)`,
        nearest: [`${environment.cluster.nodes}`],
      });
    }
    const legal = run.nodes === 1 ? shape.legalNpusSinglePod : shape.legalNpusMultiPod;
    const npus = run.npusPerNode ?? shape.npusPerNode;
    if (!legal.includes(npus)) {
      const nearest = [...legal].sort((left, right) => Math.abs(left - npus) - Math.abs(right - npus)).slice(0, 2);
      found.push({
        severity: "error",
        rule: "npus-legal",
        path: path("npusPerNode"),
        what: `${shape.product} cannot give a pod this many NPUs`,
        got: `${npus}`,
        allowed: legal.join(", "),
        nearest: nearest.map(String),
      });
    }
    const memoryGiB = run.resources.memoryGiB ?? Math.floor((shape.trainingMemoryGiB * npus) / shape.npusPerNode);
    if (run.resources.sharedMemoryGiB >= memoryGiB) {
      found.push({
        severity: "error",
        rule: "shared-memory-fits",
        path: path("resources", "sharedMemoryGiB"),
        what: "shared memory counts against the pod's memory and leaves none",
        got: `${run.resources.sharedMemoryGiB}`,
        allowed: `below ${memoryGiB}`,
        nearest: [`${Math.floor(memoryGiB / 4)}`],
      });
    }
    return found;
  });
}

function protectionWarnings({ allowReplacing, runs }: Environment): readonly Diagnostic[] {
  return allowReplacing.map((name, index) => ({
    severity: "warning",
    rule: "protection-lifted",
    path: ["allowReplacing", index],
    what:
      name in runs
        ? "the next update may end this run's training; remove the name afterwards"
        : "no run of this name; remove it from the list",
    got: name,
  }));
}

/** Every finding across sections. */
export function surfaceProblems(environment: Environment): readonly Diagnostic[] {
  return [
    ...mountProblems(environment),
    ...reservedProblems(environment),
    ...writableProblems(environment),
    ...accessProblems(environment),
    ...runProblems(environment),
    ...protectionWarnings(environment),
  ];
}
