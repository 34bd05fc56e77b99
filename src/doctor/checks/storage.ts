/** Claims, storage classes and file servers. */
import type { KubernetesObject } from "../../kubernetes/planned-object.ts";
import { dataAt, listAt } from "../../workloads/rules/pod-templates.ts";
import type { ClaimFact, ClusterFacts, StorageClassFact } from "../facts.ts";
import { about, type Finding, few, type Remark, unseen, well } from "../finding.ts";
import { claimNames, madeNames, type Needs, objectKey } from "../needs.ts";
import { textAt } from "../pod-demand.ts";

const claimTitle = (name: string): string => `PersistentVolumeClaim ${name}`;

/** How pods use a claim. */
interface ClaimUse {
  readonly isWritten: boolean;
  /** Pods that mount it at once: those of the largest workload, or more where several workloads do. */
  readonly pods: number;
}

function useOf({ pods }: Needs, name: string): ClaimUse {
  const uses = pods.flatMap(({ template, count }) =>
    listAt(template.pod, "volumes")
      .filter((volume) => textAt(volume, "persistentVolumeClaim", "claimName") === name)
      .map((volume) => ({ isWritten: dataAt(volume, "persistentVolumeClaim").readOnly !== true, count })),
  );
  return { isWritten: uses.some(({ isWritten }) => isWritten), pods: Math.max(0, ...uses.map(({ count }) => count)) };
}

/** Modes that admit such a use: several nodes at once need Many. */
function fittingModes({ isWritten, pods }: ClaimUse): readonly string[] {
  const many = isWritten ? ["ReadWriteMany"] : ["ReadWriteMany", "ReadOnlyMany"];
  return pods > 1 ? many : [...many, "ReadWriteOnce", "ReadWriteOncePod"];
}

function claimRemark(needs: Needs, claim: ClaimFact, waitsForPod: boolean): Remark {
  const where = claimTitle(claim.name);
  const use = useOf(needs, claim.name);
  const modes = fittingModes(use);
  if (claim.isEnding || claim.phase === "Lost") {
    return {
      severity: "error",
      where,
      what: claim.isEnding ? "the claim is being deleted" : "the claim has lost its volume",
      got: claim.isEnding ? "a deletion timestamp" : claim.phase,
      expected: "Bound",
      fix: `kubectl -n ${needs.namespace} describe persistentvolumeclaim ${claim.name}`,
    };
  }
  if (!claim.accessModes.some((mode) => modes.includes(mode))) {
    return {
      severity: "error",
      where,
      what: use.pods > 1 ? `${use.pods} pods on as many nodes mount it` : "its pod cannot write to it",
      got: few(claim.accessModes),
      expected: modes.join(" or "),
      fix: "use a claim of a shared file system, or readOnly: true where pods only read",
    };
  }
  if (claim.phase !== "Bound" && !waitsForPod) {
    return {
      severity: "error",
      where,
      what: "no volume is bound to the claim: its pods stay Pending",
      got: claim.phase,
      expected: "Bound",
      fix: `kubectl -n ${needs.namespace} describe persistentvolumeclaim ${claim.name}`,
    };
  }
  return well(where, claim.phase === "Bound" ? `bound, ${few(claim.accessModes)}` : "will be bound with its first pod");
}

function broughtRemarks(needs: Needs, facts: ClusterFacts): readonly Remark[] {
  const made = madeNames(needs, "PersistentVolumeClaim");
  const names = claimNames(needs).filter(
    (name) => !made.includes(name) || isThere(needs, facts, "PersistentVolumeClaim", name),
  );
  if (names.length === 0) return [];
  const { claims } = facts;
  if (!claims.isKnown) return [unseen(few(names.map(claimTitle)), "claims", claims.because)];
  return names.map((name) => {
    const claim = claims.value.find((one) => one.name === name);
    const storageClass = classOf(facts, claim?.storageClass ?? "");
    if (claim !== undefined) return claimRemark(needs, claim, storageClass?.waitsForPod === true);
    return {
      severity: "error",
      where: claimTitle(name),
      what: "the claim does not exist: pods that mount it stay Pending",
      got: claims.value.length === 0 ? "no claims" : few(claims.value.map((one) => one.name)),
      fix: `create it in ${needs.namespace}, or let the stack make one (storage.<volume>.size)`,
    };
  });
}

const isThere = ({ objects }: Needs, { existing }: ClusterFacts, kind: string, name: string): boolean =>
  objects.some(({ manifest }) => {
    const found = existing[objectKey(manifest)];
    return (
      manifest.kind === kind && manifest.metadata.name === name && found?.isKnown === true && found.value !== undefined
    );
  });

/** A class by its name; the default one for the empty name. */
const classOf = ({ storageClasses }: ClusterFacts, name: string): StorageClassFact | undefined =>
  storageClasses.isKnown
    ? storageClasses.value.find((one) => (name === "" ? one.isDefault : one.name === name))
    : undefined;

/** A claim that the stack makes gets its volume from a class; one that names its volume, or the class "", needs none. */
function classRemark(facts: ClusterFacts, claim: KubernetesObject): Remark | undefined {
  const spec = dataAt(claim, "spec");
  const where = claimTitle(claim.metadata.name);
  if (spec.volumeName !== undefined || spec.storageClassName === "") return undefined;
  const name = textAt(spec, "storageClassName");
  const { storageClasses } = facts;
  if (!storageClasses.isKnown) return unseen(where, "its storage class", storageClasses.because);
  const found = classOf(facts, name);
  const known = storageClasses.value.map((one) => one.name);
  if (found !== undefined) return well(where, `storage class ${found.name} exists`);
  return {
    severity: "error",
    where,
    what: name === "" ? "the cluster has no default storage class" : "its storage class does not exist",
    got: name === "" ? "no storageClass" : name,
    expected: known.length === 0 ? "a storage class" : few(known, 6),
    fix: "set storage.<volume>.storageClass to one that kubectl get storageclass shows",
  };
}

/** A file server as pods or volumes name it. */
interface FileServer {
  readonly where: string;
  readonly server: string;
  readonly path: string;
}

function fileServers({ pods, objects }: Needs): readonly FileServer[] {
  const read = (where: string, holder: Parameters<typeof dataAt>[0]): readonly FileServer[] => {
    const server = textAt(holder, "nfs", "server");
    return server === "" ? [] : [{ where, server, path: textAt(holder, "nfs", "path") }];
  };
  const found = [
    ...pods.flatMap(({ template }) =>
      listAt(template.pod, "volumes").flatMap((volume) => read(`volume ${textAt(volume, "name")}`, volume)),
    ),
    ...objects
      .filter(({ manifest }) => manifest.kind === "PersistentVolume")
      .flatMap(({ manifest }) => read(`PersistentVolume ${manifest.metadata.name}`, dataAt(manifest, "spec"))),
  ];
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
}

/** Names that stand for examples (RFC 2606), or never leave the node. */
const examples = /(^|\.)(example|invalid|test)(\.(com|net|org))?$/i;
const ownNode = /^(localhost|127\.[0-9.]+|::1|0\.0\.0\.0)$/i;

function serverRemark({ where, server, path }: FileServer): Remark {
  const address = `${server}:${path}`;
  if (ownNode.test(server)) {
    return {
      severity: "error",
      where,
      what: "this address means each node itself: nodes would not share files",
      got: address,
      fix: "set storage.<volume>.nfs.server to the file server's address",
    };
  }
  if (examples.test(server)) {
    return {
      severity: "warning",
      where,
      what: "this name is reserved for examples",
      got: address,
      fix: "set storage.<volume>.nfs.server to the file server's address",
    };
  }
  return well(where, `file server ${address} looks plausible; whether nodes can mount it, their pods will tell`);
}

/** Everything that pods mount and that outlives them. */
export function storageFindings(needs: Needs, facts: ClusterFacts): readonly Finding[] {
  const pending = needs.objects.filter(
    ({ manifest }) =>
      manifest.kind === "PersistentVolumeClaim" &&
      !isThere(needs, facts, "PersistentVolumeClaim", manifest.metadata.name),
  );
  return about("storage", [
    ...broughtRemarks(needs, facts),
    ...pending.map(({ manifest }) => classRemark(facts, manifest)).filter((remark) => remark !== undefined),
    ...fileServers(needs).map(serverRemark),
  ]);
}
