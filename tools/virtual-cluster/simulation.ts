/**
 * How nodes and pods of a virtual cluster behave: stages for kwok, as data. Nothing runs in a pod; its time and its end come from
 * annotations.
 */

/** Prefix of all annotations that steer the simulation. */
export const simulationPrefix = "simulation.ascend-stacks";

/** Annotations that steer the simulation. */
export const simulationAnnotations = {
  /** Pod: time from being placed to running, a Go duration. */
  startDelay: `${simulationPrefix}/start-delay`,
  /** Pod: how long it runs, a Go duration; without it the pod runs on. */
  runDuration: `${simulationPrefix}/run-duration`,
  /** Pod: its exit code. */
  exitCode: `${simulationPrefix}/exit-code`,
  /** Pod: the exit code of one completion index; the index follows. */
  exitCodeOfIndex: `${simulationPrefix}/exit-code-index-`,
  /** Node: `"true"` makes it NotReady. */
  notReady: `${simulationPrefix}/not-ready`,
} as const;

const annotation = (name: string): string => `.metadata.annotations["${name}"]`;
const exists = (key: string) => ({ key, operator: "Exists" });
const isAbsent = (key: string) => ({ key, operator: "DoesNotExist" });
const isIn = (key: string, ...values: readonly string[]) => ({ key, operator: "In", values });
const isNotIn = (key: string, ...values: readonly string[]) => ({ key, operator: "NotIn", values });

const readyStatus = '.status.conditions.[] | select( .type == "Ready" ) | .status';

interface Stage {
  readonly name: string;
  readonly kind: "Node" | "Pod";
  readonly when: readonly unknown[];
  readonly delay?: Readonly<Record<string, unknown>>;
  readonly next: Readonly<Record<string, unknown>>;
}

const stageObject = ({ name, kind, when, delay, next }: Stage) => ({
  apiVersion: "kwok.x-k8s.io/v1alpha1",
  kind: "Stage",
  metadata: { name },
  spec: {
    resourceRef: { apiGroup: "v1", kind },
    selector: { matchExpressions: when },
    ...(delay === undefined ? {} : { delay }),
    next,
  },
});

const nodeConditions = (isReady: boolean): string => `
{{ $now := Now }}
conditions:
- type: Ready
  status: "${isReady ? "True" : "False"}"
  reason: ${isReady ? "KubeletReady" : "KubeletNotReady"}
  message: ${isReady ? "simulated node is ready" : "simulated node was made not ready"}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
${["MemoryPressure", "DiskPressure", "PIDPressure"]
  .map(
    (type) => `- type: ${type}
  status: "False"
  reason: Simulated
  message: simulated node
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}`,
  )
  .join("\n")}
`;

const nodeAddresses = `
addresses:
- type: InternalIP
  address: {{ NodeIP | Quote }}
- type: Hostname
  address: {{ .metadata.name | Quote }}
daemonEndpoints:
  kubeletEndpoint:
    Port: {{ NodePort }}
`;

const podRunning = `
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
conditions:
{{ range $type := list "Initialized" "Ready" "ContainersReady" "PodScheduled" }}
- type: {{ $type }}
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
`;

const exitCodeTemplate = `{{ $annotations := or .metadata.annotations dict }}
{{ $index := or ( index $annotations "batch.kubernetes.io/job-completion-index" ) "none" }}
{{ $code := or ( index $annotations ( printf "${simulationAnnotations.exitCodeOfIndex}%s" $index ) ) ( index $annotations "${simulationAnnotations.exitCode}" ) "0" }}`;

/** The exit code of a pod as kwok's selectors compute it: of its index, else its own, else 0. */
const exitCodeKey = `.metadata.annotations["${simulationAnnotations.exitCodeOfIndex}" + (.metadata.annotations["batch.kubernetes.io/job-completion-index"] // "none")] // ${annotation(simulationAnnotations.exitCode)} // "0"`;

const podEnded = (isSuccess: boolean): string => `
{{ $now := Now }}
{{ $started := or .status.startTime $now }}
${exitCodeTemplate}
phase: ${isSuccess ? "Succeeded" : "Failed"}
conditions:
- type: Ready
  status: "False"
  reason: ${isSuccess ? "PodCompleted" : "PodFailed"}
  lastTransitionTime: {{ $now | Quote }}
- type: ContainersReady
  status: "False"
  reason: ${isSuccess ? "PodCompleted" : "PodFailed"}
  lastTransitionTime: {{ $now | Quote }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: {{ $code }}
      reason: ${isSuccess ? "Completed" : "Error"}
      message: simulated end
      startedAt: {{ $started | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
`;

const alive = isAbsent(".metadata.deletionTimestamp");

const durationOf = (name: string, otherwiseMilliseconds: number) => ({
  durationMilliseconds: otherwiseMilliseconds,
  durationFrom: { expressionFrom: annotation(name) },
});

const stages: readonly Stage[] = [
  {
    name: "node-ready",
    kind: "Node",
    when: [isNotIn(readyStatus, "True"), isNotIn(annotation(simulationAnnotations.notReady), "true")],
    next: { statusTemplate: nodeConditions(true) + nodeAddresses },
  },
  {
    name: "node-heartbeat",
    kind: "Node",
    when: [isIn(readyStatus, "True"), isNotIn(annotation(simulationAnnotations.notReady), "true")],
    delay: { durationMilliseconds: 30_000, jitterDurationMilliseconds: 70_000 },
    next: { statusTemplate: nodeConditions(true) },
  },
  {
    name: "node-not-ready",
    kind: "Node",
    when: [isIn(readyStatus, "True"), isIn(annotation(simulationAnnotations.notReady), "true")],
    next: { statusTemplate: nodeConditions(false) },
  },
  {
    name: "pod-run",
    kind: "Pod",
    when: [alive, exists(".spec.nodeName"), isNotIn(".status.phase", "Running", "Succeeded", "Failed")],
    delay: durationOf(simulationAnnotations.startDelay, 200),
    next: { statusTemplate: podRunning },
  },
  {
    name: "pod-succeed",
    kind: "Pod",
    when: [
      alive,
      isIn(".status.phase", "Running"),
      exists(annotation(simulationAnnotations.runDuration)),
      isIn(exitCodeKey, "0"),
    ],
    delay: durationOf(simulationAnnotations.runDuration, 1000),
    next: { statusTemplate: podEnded(true) },
  },
  {
    name: "pod-fail",
    kind: "Pod",
    when: [
      alive,
      isIn(".status.phase", "Running"),
      exists(annotation(simulationAnnotations.runDuration)),
      isNotIn(exitCodeKey, "0"),
    ],
    delay: durationOf(simulationAnnotations.runDuration, 1000),
    next: { statusTemplate: podEnded(false) },
  },
  {
    name: "pod-delete",
    kind: "Pod",
    when: [exists(".metadata.deletionTimestamp")],
    next: { finalizers: { empty: true }, delete: true },
  },
];

/** All stages as objects for the cluster. */
export const stageObjects = stages.map(stageObject);
