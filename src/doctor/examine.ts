/** All checks over what was gathered. */
import { admissionFindings } from "./checks/admission.ts";
import { capacityFindings } from "./checks/capacity.ts";
import { clusterFindings } from "./checks/cluster.ts";
import { definitionFindings } from "./checks/definitions.ts";
import { type DriverJudge, driverFindings } from "./checks/driver.ts";
import { nameFindings } from "./checks/names.ts";
import { namespaceFindings } from "./checks/namespace.ts";
import { networkFindings } from "./checks/network.ts";
import { nodeFindings } from "./checks/nodes.ts";
import { priorityFindings } from "./checks/priority.ts";
import { quotaFindings } from "./checks/quota.ts";
import { rightFindings } from "./checks/rights.ts";
import { schedulerFindings } from "./checks/scheduler.ts";
import { secretFindings } from "./checks/secrets.ts";
import { storageFindings } from "./checks/storage.ts";
import type { ClusterFacts } from "./facts.ts";
import { type Finding, severities, topics } from "./finding.ts";
import type { Needs } from "./needs.ts";

/**
 * Every finding, by topic; within a topic what is worst comes first.
 *
 * @param judgeDriver says whether a driver fits the image
 */
export function examine(needs: Needs, facts: ClusterFacts, judgeDriver: DriverJudge): readonly Finding[] {
  const found = [
    ...clusterFindings(needs, facts),
    ...definitionFindings(needs, facts),
    ...schedulerFindings(needs, facts),
    ...nodeFindings(needs, facts),
    ...capacityFindings(needs, facts),
    ...driverFindings(needs, facts, judgeDriver),
    ...namespaceFindings(needs, facts),
    ...nameFindings(needs, facts),
    ...storageFindings(needs, facts),
    ...secretFindings(needs, facts),
    ...priorityFindings(needs, facts),
    ...quotaFindings(needs, facts),
    ...networkFindings(needs, facts),
    ...rightFindings(needs, facts),
    ...admissionFindings(needs, facts),
  ];
  const rank = ({ topic, severity }: Finding): number =>
    topics.indexOf(topic) * severities.length + severities.indexOf(severity);
  return found.sort((left, right) => rank(left) - rank(right));
}
