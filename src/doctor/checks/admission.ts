/** What the API server said to each planned object and to the pods of each workload, as dry runs. */
import type { ClusterFacts, TrialFact } from "../facts.ts";
import { about, type Finding, few, type Remark, well } from "../finding.ts";
import type { Needs } from "../needs.ts";

/** Quotas are told of with numbers elsewhere. */
const isQuota = ({ message }: TrialFact): boolean => /exceeded quota/.test(message);

const isPodSecurity = ({ message }: TrialFact): boolean => /violates PodSecurity/.test(message);

/** A refusal that says something about another namespace says nothing about this one. */
const isOfPlace = ({ isElsewhere, status }: TrialFact): boolean => isElsewhere && status !== 400 && status !== 422;

function refusalRemark(trial: TrialFact, { namespace }: Needs): Remark {
  const { where, message, status } = trial;
  if (isPodSecurity(trial)) {
    const level = /PodSecurity "(\w+)/.exec(message)?.[1];
    return {
      severity: "error",
      where,
      what: "the namespace's level of Pod Security refuses its pods: they would never be created",
      got: message.replace(/^pods? "[^"]*" is forbidden: /, ""),
      fix: `kubectl label --overwrite namespace ${namespace} pod-security.kubernetes.io/enforce=<level>, with a level above ${level ?? "this one"}; or remove from the stack what it refuses (cluster.driverMounts, cluster.network.mode, storage.<volume>.nfs)`,
    };
  }
  const isInvalid = status === 400 || status === 422;
  return {
    severity: "error",
    where,
    what: isInvalid ? "the API server does not accept it as it is written" : "the cluster's own rules refuse it",
    got: message,
    fix: isInvalid
      ? "use versions of Kubernetes and of the installed definitions that know these fields"
      : "change what the message names, or ask the platform's administrators for an exception",
  };
}

/** Refusals and warnings, equal ones once. */
export function admissionFindings(needs: Needs, { trials }: ClusterFacts): readonly Finding[] {
  const counted = trials.filter((trial) => !isOfPlace(trial));
  const refused = counted.filter((trial) => trial.status >= 300 && !isQuota(trial));
  const warned = Map.groupBy(
    counted.flatMap(({ where, warnings }) => warnings.map((text) => ({ where, text }))),
    ({ text }) => text,
  );
  const remarks: readonly Remark[] = [
    ...refused.map((trial) => refusalRemark(trial, needs)),
    ...[...warned].map(
      ([text, places]): Remark => ({
        severity: "warning",
        where: few(places.map(({ where }) => where)),
        what: "the API server warns",
        got: text,
        fix: "see the message; what it warns of is admitted today",
      }),
    ),
  ];
  const accepted = counted.filter(({ status }) => status < 300);
  const pods = accepted.filter(({ subject }) => subject === "pod").length;
  const isElsewhere = trials.some((trial) => trial.isElsewhere);
  return about("admission", [
    ...(accepted.length === 0
      ? []
      : [well(needs.namespace, `${accepted.length - pods} objects and ${pods} pods pass a dry run`)]),
    ...(isElsewhere
      ? [
          {
            severity: "warning" as const,
            where: `Namespace ${needs.namespace}`,
            what: "the namespace is not there yet, so its admission was not tried: fields were checked in the namespace default, Pod Security and quota were not",
            fix: "run again after the first update",
          },
        ]
      : []),
    ...remarks,
  ]);
}
