/** Whether what places and runs the trainings is there: controllers, Volcano's configuration, queues. */
import { isSuperPodPolicy } from "../../hardware/schedule-policies.ts";
import { isChosenByPlugin, isPlacedByVolcano, schedulePolicyOf, shapeOf } from "../../kubernetes/npus.ts";
import { type Component, componentsFor, volcanoNamespace } from "../components.ts";
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, type Remark, unseen, well } from "../finding.ts";
import { localQueueNames, madeNames, type Needs, npusOf, queueNames } from "../needs.ts";

/** With this setting Volcano's plugin reads device states itself and needs no ClusterD. */
const readsDevicesItself = ({ volcanoConfiguration }: ClusterFacts): boolean =>
  volcanoConfiguration.isKnown && /useClusterInfoManager["']?\s*:\s*["']?false/.test(volcanoConfiguration.value ?? "");

function componentRemark({ title, namespace, kind, prefix, without }: Component, facts: ClusterFacts): Remark {
  const where = `${namespace}/${prefix}`;
  const controllers = facts.controllers[namespace];
  if (controllers?.isKnown !== true) return unseen(where, title, controllers?.because ?? "not asked");
  const found = controllers.value.filter(({ name }) => name.startsWith(prefix));
  if (found.length === 0) {
    return {
      severity: "warning",
      where,
      what: `${title} was not found under its usual name; without it ${without}`,
      got: `no ${kind} ${prefix}* in ${namespace}`,
      fix: `install ${title}, or ignore this if it runs under another name`,
    };
  }
  const idle = found.filter(({ wanted, ready }) => wanted > 0 && ready === 0);
  const [first] = idle;
  if (first !== undefined) {
    return {
      severity: "error",
      where: `${namespace}/${first.name}`,
      what: `${title} does not run; without it ${without}`,
      got: `0 of ${first.wanted} ready`,
      fix: `kubectl -n ${namespace} describe ${kind.toLowerCase()} ${first.name}`,
    };
  }
  return well(where, `${title} runs`);
}

/** The super pods that Volcano reckons with must be those of the stack file. */
function superPodRemarks({ environment }: Needs, configuration: string): readonly Remark[] {
  const expected = environment.cluster.superPod.nodes ?? shapeOf(environment).superPodNodes;
  const size = /super-pod-size["']?\s*:\s*["']?(\d+)/.exec(configuration)?.[1];
  if (!isSuperPodPolicy(schedulePolicyOf(environment)) || expected === undefined || size === undefined) return [];
  if (Number(size) === expected) return [];
  return [
    {
      severity: "error",
      where: `${volcanoNamespace}/volcano-scheduler-configmap`,
      what: "Volcano reckons with super pods of another size",
      got: `super-pod-size ${size}`,
      expected: String(expected),
      fix: `set cluster.superPod.nodes to ${size}, or super-pod-size in the ConfigMap to ${expected}`,
    },
  ];
}

function configurationRemarks(needs: Needs, { volcanoConfiguration: told }: ClusterFacts): readonly Remark[] {
  if (!isPlacedByVolcano(needs.environment)) return [];
  const where = `${volcanoNamespace}/volcano-scheduler-configmap`;
  if (!told.isKnown) return [unseen(where, "Volcano's configuration", told.because)];
  const fix = `kubectl -n ${volcanoNamespace} edit configmap volcano-scheduler-configmap`;
  if (told.value === undefined)
    return [
      {
        severity: "warning",
        where,
        what: "Volcano's configuration was not found under its usual name",
        fix: "install Volcano from MindCluster's manifests",
      },
    ];
  if (isChosenByPlugin(needs.environment) && !told.value.includes("volcano-npu")) {
    return [
      {
        severity: "error",
        where,
        what: "Volcano does not load MindCluster's plugin: it would place NPU pods without regard to NPUs, and nothing would tell the pods which are theirs",
        got: "no plugin volcano-npu_v<version>_linux-<architecture>",
        fix,
      },
    ];
  }
  const others = superPodRemarks(needs, told.value);
  return others.length > 0 ? others : [well(where, "Volcano is configured for the stack")];
}

function queueRemark(needs: Needs, facts: ClusterFacts, name: string): Remark {
  const where = `Queue ${name}`;
  const queue = facts.queues[name];
  if (queue?.isKnown !== true) return unseen(where, "the queue", queue?.because ?? "not asked");
  if (queue.value === undefined) {
    return {
      severity: "error",
      where,
      what: "the queue does not exist: jobs that name it are not scheduled",
      got: "no such queue",
      fix: `set cluster.scheduler.queue to an existing queue (kubectl get queues.scheduling.volcano.sh), or create ${name}`,
    };
  }
  const { state, capability } = queue.value;
  if (state !== "" && state !== "Open") {
    return {
      severity: "error",
      where,
      what: "the queue takes no jobs",
      got: state,
      expected: "Open",
      fix: `vcctl queue operate --action open --name ${name}`,
    };
  }
  const largest = Math.max(0, ...needs.pods.map((pods) => pods.count * npusOf(pods)));
  const most = Object.entries(capability).find(([resource]) => resource.startsWith("huawei.com/"))?.[1];
  if (most !== undefined && most < largest) {
    return {
      severity: "error",
      where,
      what: "the queue holds fewer NPUs than the largest training needs",
      got: String(most),
      expected: `${largest} or more`,
      fix: "raise the queue's capability, or use another queue or fewer nodes",
    };
  }
  return well(where, "the queue is open");
}

function localQueueRemark({ namespace }: Needs, { localQueues }: ClusterFacts, name: string): Remark {
  const where = `LocalQueue ${name}`;
  const queue = localQueues[name];
  if (queue?.isKnown !== true) return unseen(where, "the queue", queue?.because ?? "not asked");
  if (queue.value) return well(where, "the queue of Kueue exists");
  return {
    severity: "error",
    where,
    what: "the queue of Kueue does not exist: its jobs stay suspended",
    got: `none in ${namespace}`,
    fix: "create a LocalQueue of this name in the namespace, or change queue.kueue",
  };
}

/** Controllers, Volcano's configuration and queues. */
export function schedulerFindings(needs: Needs, facts: ClusterFacts): readonly Finding[] {
  const components = componentsFor(needs).filter(({ prefix }) => prefix !== "clusterd" || !readsDevicesItself(facts));
  const made = madeNames(needs, "Queue");
  return about("scheduler", [
    ...components.map((component) => componentRemark(component, facts)),
    ...configurationRemarks(needs, facts),
    ...queueNames(needs)
      .filter((name) => !made.includes(name))
      .map((name) => queueRemark(needs, facts, name)),
    ...localQueueNames(needs)
      .filter((name) => !madeNames(needs, "LocalQueue").includes(name))
      .map((name) => localQueueRemark(needs, facts, name)),
  ]);
}
