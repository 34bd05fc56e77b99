/** Whether the ranks of a training on several nodes will find each other by name. */
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, type Remark, unseen, well } from "../finding.ts";
import { type Needs, objectTitle } from "../needs.ts";

/** Pods on the host network ask the node's DNS unless told otherwise, which knows no Services. */
function policyRemarks({ pods }: Needs): readonly Remark[] {
  return pods
    .filter(({ template }) => template.pod.hostNetwork === true && template.pod.dnsPolicy !== "ClusterFirstWithHostNet")
    .map(({ object, template }) => ({
      severity: "error",
      where: objectTitle(object.manifest),
      what: "its pods use the host network and would ask the node's DNS, which does not know the other ranks",
      got: `dnsPolicy ${String(template.pod.dnsPolicy ?? "ClusterFirst")}`,
      expected: "ClusterFirstWithHostNet",
      fix: "set cluster.network.mode to pod",
    }));
}

/** DNS policy of the pods, and whether the cluster has a DNS at all. */
export function networkFindings(needs: Needs, { dnsServices }: ClusterFacts): readonly Finding[] {
  const policies = policyRemarks(needs);
  if (needs.pods.every(({ count }) => count < 2)) return about("network", policies);
  const where = "kube-system";
  const dns: Remark = !dnsServices.isKnown
    ? unseen(where, "the cluster's DNS", dnsServices.because)
    : dnsServices.value > 0
      ? well(where, "the cluster has a DNS")
      : {
          severity: "warning",
          where,
          what: "the cluster's DNS was not found: ranks find the first one by the name of its pod",
          got: "no Service with the label k8s-app=kube-dns",
          fix: "install CoreDNS, or ignore this if the DNS carries other labels",
        };
  return about("network", [dns, ...policies]);
}
