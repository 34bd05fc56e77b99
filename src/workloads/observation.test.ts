import { describe, expect, it } from "vitest";
import { observeAscendJob, observeJob, observeJobSet, observeVolcanoJob, rankOfPod } from "./observation.ts";

/** What `ascend status` reads of each kind's status. */

const created = "2026-11-24T08:00:00Z";
const ended = "2026-11-24T09:00:00Z";
const metadata = { name: "training", creationTimestamp: created };
const condition = (type: string, more: object = {}) => ({ type, status: "True", lastTransitionTime: ended, ...more });

describe.each([
  ["Job", observeJob, "Complete", { startTime: created }],
  ["JobSet", observeJobSet, "Completed", {}],
  ["AscendJob", observeAscendJob, "Succeeded", {}],
] as const)("a %s", (_, observe, success, status) => {
  it("is complete, failed, or neither, by its conditions", () => {
    expect(observe({ metadata, status: { ...status, conditions: [condition(success)] } })).toEqual({
      state: "complete",
      startedAt: created,
      endedAt: ended,
    });
    const failed = condition("Failed", { reason: "FailedJobs", message: "jobset failed" });
    expect(observe({ metadata, status: { ...status, conditions: [failed] } })).toEqual({
      state: "failed",
      reason: "FailedJobs: jobset failed",
      startedAt: created,
      endedAt: ended,
    });
    expect(
      observe({ metadata, status: { ...status, conditions: [{ ...condition(success), status: "False" }] } }).state,
    ).toBe("active");
  });

  it("is active before its controller has seen it", () => {
    expect(observe({ metadata }).state).toBe("active");
  });
});

it("a Job that is about to fail counts as failed", () => {
  const status = { conditions: [condition("FailureTarget", { reason: "PodFailurePolicy" })] };
  expect(observeJob({ metadata, status })).toMatchObject({ state: "failed", reason: "PodFailurePolicy" });
});

it("an AscendJob says what keeps it from starting, and nothing while it runs", () => {
  const waiting = [condition("Created", { reason: "PodGroupPending", message: "not enough NPUs" })];
  expect(observeAscendJob({ metadata, status: { conditions: waiting } })).toMatchObject({
    state: "active",
    reason: "PodGroupPending: not enough NPUs",
  });
  const running = [...waiting, condition("Running", { reason: "jobRunning" })];
  expect(observeAscendJob({ metadata, status: { conditions: running } })).not.toHaveProperty("reason");
});

it.each([
  ["Pending", "active"],
  ["Running", "active"],
  ["Restarting", "active"],
  ["Completed", "complete"],
  ["Failed", "failed"],
  ["Aborted", "failed"],
  ["Terminated", "failed"],
])("a Volcano Job in phase %s is %s", (phase, state) => {
  const observed = observeVolcanoJob({ metadata, status: { state: { phase, lastTransitionTime: ended } } });
  expect(observed.state).toBe(state);
  expect(observed.endedAt).toBe(state === "active" ? undefined : ended);
});

describe("the rank of a pod", () => {
  it("is its index in a Job, also inside a JobSet", () => {
    expect(rankOfPod({ metadata: { annotations: { "batch.kubernetes.io/job-completion-index": "3" } } })).toBe(3);
  });

  it("is 0 for the master of an AscendJob, and one more than its index for a worker", () => {
    expect(rankOfPod({ metadata: { labels: { "replica-type": "master", "replica-index": "0" } } })).toBe(0);
    expect(rankOfPod({ metadata: { labels: { "replica-type": "worker", "replica-index": "0" } } })).toBe(1);
  });

  it("is the end of the name in a Volcano Job", () => {
    const annotations = { "volcano.sh/task-spec": "node" };
    expect(rankOfPod({ metadata: { name: "training-node-12", annotations } })).toBe(12);
  });

  it("is unknown for any other pod", () => {
    expect(rankOfPod({ metadata: { name: "other-7" } })).toBe(-1);
  });
});

it.each([
  ["Job", observeJob],
  ["JobSet", observeJobSet],
])("a %s that was told to rest is stopped, unless it is over", (_, observe) => {
  const spec = { suspend: true };
  expect(observe({ metadata, spec, status: {} })).toMatchObject({ state: "stopped" });
  expect(observe({ metadata, spec, status: { conditions: [condition("Failed")] } }).state).toBe("failed");
  expect(observe({ metadata, spec: { suspend: false }, status: {} }).state).toBe("active");
});
