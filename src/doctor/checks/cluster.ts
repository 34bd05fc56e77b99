/** The cluster itself: reached, and of a version that can keep what the stack asks for. */
import { presetOf } from "../../kubernetes/npus.ts";
import { dataAt } from "../../workloads/rules/pod-templates.ts";
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, type Remark, well } from "../finding.ts";
import type { Needs } from "../needs.ts";

/** The newest minor version of Kubernetes 1 that MindCluster lists. Source: release notes of MindCluster 26.1.0 (1.17 to 1.34). */
const newestListed = 34;

/** The minor version from which API servers keep `podFailurePolicy` without being asked to. */
const podFailurePolicySince = 26;

/** Minor version of `v1.36.1`; undefined for what does not look like one. */
function minorOf(version: string): number | undefined {
  const minor = /^v?1\.(\d+)/.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

function versionRemarks({ environment, objects }: Needs, minor: number, version: string): readonly Remark[] {
  const remarks: Remark[] = [];
  const policies = objects.filter(({ manifest }) => "podFailurePolicy" in dataAt(manifest, "spec"));
  if (minor < podFailurePolicySince && policies.length > 0) {
    remarks.push({
      severity: "error",
      where: "Kubernetes",
      what: "this version drops the rules by which a Job stops after a mistake that another try cannot mend",
      got: version,
      expected: `1.${podFailurePolicySince} or newer`,
      fix: "update the cluster, or set cluster.scheduler.kind to volcanoJob or ascendJob",
    });
  }
  if (presetOf(environment).hasMindCluster && minor > newestListed) {
    remarks.push({
      severity: "warning",
      where: "Kubernetes",
      what: "MindCluster does not list this version",
      got: version,
      expected: `1.17 to 1.${newestListed} (MindCluster 26.1.0)`,
      fix: "ask the vendor, or use a listed version",
    });
  }
  return remarks;
}

/** Reached as whom, and whether the version fits. */
export function clusterFindings(needs: Needs, { server, version, caller }: ClusterFacts): readonly Finding[] {
  const minor = minorOf(version);
  const reached = well(
    server,
    `Kubernetes ${version || "of an unknown version"} answers${caller === "" ? "" : ` ${caller}`}`,
  );
  return about("cluster", [reached, ...(minor === undefined ? [] : versionRemarks(needs, minor, version))]);
}
