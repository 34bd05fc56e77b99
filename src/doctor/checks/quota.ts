/** Whether the quotas of the namespace leave room for what is not there yet. */
import { dataAt } from "../../workloads/rules/pod-templates.ts";
import type { ClusterFacts, QuotaFact } from "../facts.ts";
import { about, type Finding, type Remark, unseen, well } from "../finding.ts";
import { type Needs, objectKey, objectTitle, type PodsNeed } from "../needs.ts";
import { textAt } from "../pod-demand.ts";
import { type Amounts, amountsOf, amountText, combine, plus, quantityNumber, times } from "../quantity.ts";
import { pendingNeeds } from "./node-choice.ts";

/** What the pods of a workload count as in quotas: `cpu` and `requests.cpu` are the same, other resources have the prefix. */
function quotaAmounts({ requests, template, count, object }: PodsNeed): Amounts {
  const spec = template.pod;
  const limits = (Array.isArray(spec.containers) ? spec.containers : [])
    .map((container) => amountsOf(dataAt(container, "resources", "limits")))
    .reduce(plus, {});
  const named = (prefix: string, amounts: Amounts): Amounts =>
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [`${prefix}${name}`, amount]));
  const { cpu = 0, memory = 0 } = requests;
  const each = { ...named("requests.", requests), ...named("limits.", limits), cpu, memory, pods: 1, "count/pods": 1 };
  const isJob = object.manifest.apiVersion === "batch/v1";
  return { ...times(each, count), ...(isJob ? { "count/jobs.batch": 1 } : {}) };
}

/** What planned claims count as. */
function claimAmounts({ objects }: Needs, { existing }: ClusterFacts): Amounts {
  const pending = objects.filter(({ manifest }) => {
    const found = existing[objectKey(manifest)];
    return manifest.kind === "PersistentVolumeClaim" && !(found?.isKnown === true && found.value !== undefined);
  });
  const storage = pending.map(({ manifest }) =>
    quantityNumber(textAt(dataAt(manifest, "spec"), "resources", "requests", "storage")),
  );
  return {
    persistentvolumeclaims: pending.length,
    "count/persistentvolumeclaims": pending.length,
    "requests.storage": storage.reduce((sum, size) => sum + size, 0),
  };
}

/** Resources of a quota that a demand does not fit into. */
function shortages({ hard, used }: QuotaFact, demand: Amounts): readonly string[] {
  const free = combine(hard, used, (a, b) => a - b);
  return Object.keys(hard).filter((name) => (demand[name] ?? 0) > 0 && (demand[name] ?? 0) > (free[name] ?? 0));
}

function shortageRemarks(where: string, quota: QuotaFact, demand: Amounts, namespace: string): readonly Remark[] {
  return shortages(quota, demand).map((name) => {
    const text = (amount: number): string => amountText(name, amount);
    const [hard, used] = [quota.hard[name] ?? 0, quota.used[name] ?? 0];
    return {
      severity: "error",
      where,
      what: `the quota ${quota.name} leaves too little ${name}: ${(demand[name] ?? 0) > hard ? "it can never be created" : "it is refused until others end"}`,
      got: `${text(Math.max(0, hard - used))} left of ${text(hard)}`,
      expected: text(demand[name] ?? 0),
      fix: `kubectl -n ${namespace} describe resourcequota ${quota.name}; raise it, end what uses it, or ask for less`,
    };
  });
}

/** Each stage that is not there, by itself; and the claims together. */
export function quotaFindings(needs: Needs, facts: ClusterFacts): readonly Finding[] {
  const { quotas } = facts;
  const where = `Namespace ${needs.namespace}`;
  if (!quotas.isKnown) return about("quota", [unseen(where, "the quota", quotas.because)]);
  if (quotas.value.length === 0) return [];
  const remarks = quotas.value.flatMap((quota) => [
    ...pendingNeeds(needs, facts).flatMap((pods) =>
      shortageRemarks(objectTitle(pods.object.manifest), quota, quotaAmounts(pods), needs.namespace),
    ),
    ...shortageRemarks("claims of the stack", quota, claimAmounts(needs, facts), needs.namespace),
  ]);
  return about("quota", remarks.length > 0 ? remarks : [well(where, "its quotas leave room for each stage")]);
}
