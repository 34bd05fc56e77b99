/** Who may do what: the account of the pods, and the roles of deployers and viewers. */
import type { Environment } from "../config/schema.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { stageAccountName } from "../kubernetes/pod-security.ts";
import { type NamedEnvironment, ownObject } from "./own-object.ts";

const rbac = "rbac.authorization.k8s.io";
const read = ["get", "list", "watch"];
const all = [...read, "create", "update", "patch", "delete"];

/** One rule of a role. */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): RoleRule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});

/** Kinds of jobs by scheduler, beside the Jobs of processor stages, and what their controllers make. */
const jobResources: Readonly<
  Record<string, { readonly own: readonly [string, string]; readonly made?: readonly [string, string] }>
> = {
  jobSet: { own: ["jobset.x-k8s.io", "jobsets"] },
  volcanoJob: { own: ["batch.volcano.sh", "jobs"], made: ["scheduling.volcano.sh", "podgroups"] },
  ascendJob: { own: ["mindxdl.gitee.com", "ascendjobs"], made: ["scheduling.volcano.sh", "podgroups"] },
};

function jobRules({ cluster }: Environment, verbs: readonly string[]): readonly RoleRule[] {
  const kinds = jobResources[cluster.scheduler.kind];
  if (kinds === undefined) return [rule("batch", ["jobs"], verbs)];
  const [group, resource] = kinds.own;
  return [
    rule("batch", ["jobs"], verbs),
    rule(group, [resource], verbs),
    rule(group, [`${resource}/status`], ["get"]),
    ...(kinds.made === undefined ? [] : [rule(kinds.made[0], [kinds.made[1]], read)]),
  ];
}

/** What both roles may look at. */
const observation: readonly RoleRule[] = [
  rule("", ["pods"], read),
  rule("", ["pods/log"], ["get"]),
  rule("", ["events"], read),
  rule("events.k8s.io", ["events"], read),
];

/**
 * What a deployer may do: everything to jobs and to what they need, nothing to what guards the namespace beyond reading it. Source:
 * what MindCluster 26 asks of a deploying identity, with the Services of our own Jobs.
 */
export const deployerRules = (environment: Environment): readonly RoleRule[] => [
  ...jobRules(environment, all),
  rule("", ["configmaps", "persistentvolumeclaims", "secrets", "services"], all),
  ...observation,
  rule("", ["limitranges", "resourcequotas", "serviceaccounts"], ["get"]),
  rule("networking.k8s.io", ["networkpolicies"], ["get"]),
  rule(rbac, ["rolebindings", "roles"], ["get"]),
];

/** What a viewer may look at. Neither Secrets nor ConfigMaps are among it. */
export const viewerRules = (environment: Environment): readonly RoleRule[] => [
  ...jobRules(environment, read),
  ...observation,
];

type Subjects = NonNullable<Environment["access"]>["deployers"];

const subjectFields = ({ namespace }: Environment, subjects: Subjects): readonly Readonly<Record<string, string>>[] =>
  subjects.map((subject) =>
    subject.kind === "ServiceAccount"
      ? { kind: subject.kind, name: subject.name, namespace: subject.namespace ?? namespace }
      : { apiGroup: rbac, kind: subject.kind, name: subject.name },
  );

interface RoleSettings {
  readonly role: string;
  readonly rules: readonly RoleRule[];
  readonly subjects: Subjects;
  readonly isClusterScoped?: boolean;
}

function roleObjects(named: NamedEnvironment, { role, rules, subjects, isClusterScoped }: RoleSettings) {
  const prefix = isClusterScoped === true ? "Cluster" : "";
  const objectName =
    isClusterScoped === true ? `ascend-stacks-${named.environment.namespace}-${role}` : `ascend-stacks-${role}`;
  const common = {
    apiVersion: `${rbac}/v1`,
    objectName,
    component: "access",
    isClusterScoped: isClusterScoped === true,
  };
  const made = ownObject(named, { ...common, name: `role-${role}`, kind: `${prefix}Role`, fields: { rules } });
  if (subjects.length === 0) return [made];
  const binding = ownObject(named, {
    ...common,
    name: `role-binding-${role}`,
    kind: `${prefix}RoleBinding`,
    fields: {
      roleRef: { apiGroup: rbac, kind: `${prefix}Role`, name: objectName },
      subjects: subjectFields(named.environment, subjects),
    },
    after: [made.name],
  });
  return [made, binding];
}

/** The account that stage pods run under, and the roles that the stack file asks for. */
export function accessObjects(named: NamedEnvironment): readonly PlannedObject[] {
  const { environment } = named;
  const account = ownObject(named, {
    name: "account",
    apiVersion: "v1",
    kind: "ServiceAccount",
    objectName: stageAccountName,
    component: "access",
    fields: { automountServiceAccountToken: false },
  });
  const { access } = environment;
  if (access === undefined) return [account];
  const queueReader: RoleSettings = {
    role: "queue-reader",
    rules: [rule("scheduling.volcano.sh", ["queues"], ["get"])],
    subjects: access.deployers,
    isClusterScoped: true,
  };
  return [
    account,
    ...roleObjects(named, { role: "deployer", rules: deployerRules(environment), subjects: access.deployers }),
    ...roleObjects(named, { role: "viewer", rules: viewerRules(environment), subjects: access.viewers }),
    ...(access.queueReader ? roleObjects(named, queueReader) : []),
  ];
}
