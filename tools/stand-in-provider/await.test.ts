import { describe, expect, it } from "vitest";
import { timeoutSecondsOf } from "./annotations.ts";
import type { ApiClient } from "./api-client.ts";
import { untilGone, untilReady, type WaitContext } from "./await.ts";
import { KubernetesApiError, NotReadyError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { messagesOfPod } from "./pod-messages.ts";

const startTime = "2026-01-01T00:00:00Z";
const complete: JsonObject = { startTime, conditions: [{ type: "Complete", status: "True" }] };

const job = (status: JsonObject, annotations: JsonObject = {}): JsonObject => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "run", namespace: "n", annotations },
  spec: { selector: { matchLabels: { job: "run" } } },
  status,
});

/** Answers each look at the object with the next state; the last one stays. `undefined` is a 404. */
function context(
  states: readonly (JsonObject | undefined)[],
  pods: readonly JsonObject[] = [],
): WaitContext & { readonly lines: string[]; readonly stop: () => void } {
  const controller = new AbortController();
  const lines: string[] = [];
  let look = 0;
  const api: ApiClient = async ({ path }) => {
    if (path.endsWith("/pods")) return { items: pods };
    const state = states[Math.min(look++, states.length - 1)];
    if (state === undefined) throw new KubernetesApiError(404, "NotFound", "not found", "jobs");
    return state;
  };
  return { api, signal: controller.signal, report: (line) => lines.push(line), lines, stop: () => controller.abort() };
}

const pending = job({});
const unschedulable: JsonObject = {
  metadata: { name: "run-0" },
  status: {
    conditions: [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/2 nodes are available" },
    ],
  },
};

describe("waiting until an object is ready", () => {
  it("looks until it is, and shows each state once", async () => {
    const wait = context([pending, pending, job({ startTime, active: 1 }), job(complete)]);
    expect(await untilReady("/job", pending, pending, 0, wait)).toEqual(job(complete));
    expect(wait.lines).toEqual([
      "Waiting for the Job to start",
      "Waiting for the Job to complete (active 1, succeeded 0, failed 0)",
      "",
    ]);
  });

  it("does not look at all under skipAwait, nor at kinds without a rule", async () => {
    const nothing: WaitContext = { ...context([]), api: () => expect.unreachable("looked") };
    const skipping = job({}, { "pulumi.com/skipAwait": "true", "pulumi.com/waitFor": "condition=Complete" });
    expect(await untilReady("/job", skipping, pending, 0, nothing)).toBe(pending);
    const settings = { apiVersion: "v1", kind: "ConfigMap" };
    expect(await untilReady("/settings", settings, settings, 0, nothing)).toBe(settings);
  });

  it("waits for the annotation's condition instead of the kind's own", async () => {
    const annotated = job({}, { "pulumi.com/waitFor": "jsonpath={.status.startTime}" });
    const started = job({ startTime });
    expect(await untilReady("/job", annotated, pending, 0, context([pending, started]))).toEqual(started);
  });

  it("fails with the cause and the trouble of the Pods", async () => {
    const conditions = [{ type: "Failed", status: "True", reason: "DeadlineExceeded", message: "too slow" }];
    const wait = untilReady("/job", pending, pending, 0, context([job({ startTime, conditions })], [unschedulable]));
    await expect(wait).rejects.toMatchObject({
      reasons: [
        "Job n/run failed.",
        "[DeadlineExceeded] too slow",
        "Pod run-0: [Unschedulable] 0/2 nodes are available",
      ],
    });
  });

  it("gives up after the annotation's time, with the last state", async () => {
    const annotated = job({}, { "pulumi.com/timeoutSeconds": "1" });
    const wait = untilReady("/job", annotated, pending, 0, context([pending]));
    await expect(wait).rejects.toMatchObject({
      reasons: ["Job n/run: not ready within 1 s.", "Waiting for the Job to start"],
      object: pending,
    });
  });

  it("ends when the engine cancels", async () => {
    const wait = context([pending]);
    setTimeout(wait.stop, 50);
    await expect(untilReady("/job", pending, pending, 0, wait)).rejects.toThrow("The wait was cancelled");
  });

  it("ends when the object is deleted", async () => {
    const wait = untilReady("/job", pending, pending, 0, context([pending, undefined]));
    await expect(wait).rejects.toThrow(NotReadyError);
    await expect(wait).rejects.toThrow("was deleted while it was waited for");
  });
});

describe("waiting until an object is gone", () => {
  it("looks until it is", async () => {
    const wait = context([pending, pending, undefined]);
    await untilGone("/job", pending, 5, wait);
    expect(wait.lines.at(-1)).toBe("");
  });

  it("names what holds it when time runs out", async () => {
    const held = { ...pending, metadata: { name: "run", finalizers: ["example.com/hold"] } };
    await expect(untilGone("/job", held, 0.2, context([held]))).rejects.toThrow(
      "still there after 0.2 s. Its finalizers: example.com/hold",
    );
  });
});

describe("the time to wait", () => {
  it.each([
    ["customTimeouts win", job({}, { "pulumi.com/timeoutSeconds": "5" }), 7, 7],
    ["then the annotation", job({}, { "pulumi.com/timeoutSeconds": "5" }), 0, 5],
    ["then the kind's default", job({}), 0, 600],
    ["nonsense counts as absent", job({}, { "pulumi.com/timeoutSeconds": "soon" }), 0, 600],
  ])("%s", (_, inputs, requested, expected) => {
    expect(timeoutSecondsOf(inputs, requested, 600)).toBe(expected);
  });
});

describe("the trouble of a Pod", () => {
  const withContainer = (state: JsonObject): JsonObject => ({
    metadata: { name: "p" },
    status: { containerStatuses: [{ name: "c", state }] },
  });

  it.each([
    ["none", withContainer({ running: {} }), []],
    ["starting", withContainer({ waiting: { reason: "ContainerCreating" } }), []],
    [
      "no image",
      withContainer({ waiting: { reason: "ImagePullBackOff", message: "not found" } }),
      ["Pod p: container c: [ImagePullBackOff] not found"],
    ],
    [
      "a failure",
      withContainer({ terminated: { exitCode: 3, reason: "Error" } }),
      ["Pod p: container c ended with exit code 3 (Error)"],
    ],
    ["a success", withContainer({ terminated: { exitCode: 0, reason: "Completed" } }), []],
  ])("%s", (_, pod, expected) => {
    expect(messagesOfPod(pod)).toEqual(expected);
  });
});
