/** Waiting until an object is ready, or gone. */
import { setTimeout as pause } from "node:timers/promises";
import { annotationOf, isAnnotated, timeoutSecondsOf } from "./annotations.ts";
import type { ApiClient } from "./api-client.ts";
import { hasStatus, NotReadyError, ProviderError } from "./errors.ts";
import { type JsonObject, listAt, textAt } from "./json.ts";
import { podMessages } from "./pod-messages.ts";
import { type ReadinessRule, readinessRuleOf, type Verdict } from "./readiness-rules.ts";
import { idOf } from "./tokens.ts";
import { parseWaitFor } from "./wait-for.ts";

/** Looks start close together and grow apart, so that short waits stay short and long ones stay cheap. */
const firstPauseMilliseconds = 100;
const longestPauseMilliseconds = 1000;

/** What waiting needs. */
export interface WaitContext {
  readonly api: ApiClient;
  /** Ends the wait when the engine cancels. */
  readonly signal: AbortSignal;
  /** Shows a line beside the resource. */
  readonly report: (message: string) => void;
}

/** Name of an object for messages, e.g. `Job training/convert`. */
export const describe = (object: JsonObject): string =>
  `${textAt(object, "kind") ?? "object"} ${idOf(textAt(object, "metadata", "name") ?? "", textAt(object, "metadata", "namespace"))}`;

/** The condition of the annotation, in the form of a rule. It takes the place of the kind's own. */
function annotatedRule(inputs: JsonObject, own: ReadinessRule | undefined): ReadinessRule | undefined {
  const annotation = annotationOf(inputs, "waitFor");
  if (annotation === undefined) return own;
  const conditions = parseWaitFor(annotation);
  return {
    timeoutSeconds: own?.timeoutSeconds ?? 600,
    isCheckedOnRead: own?.isCheckedOnRead ?? false,
    judge: (object) => {
      const open = conditions.filter(({ isMet }) => !isMet(object));
      return open.length === 0
        ? { state: "ready" }
        : { state: "waiting", message: `Waiting for ${open.map(({ text }) => text).join(" and ")}` };
    },
  };
}

/**
 * The rule that an object is waited by; undefined when there is nothing to wait for.
 *
 * @throws ProviderError when the `waitFor` annotation is not understood
 */
export const ruleFor = (inputs: JsonObject): ReadinessRule | undefined =>
  isAnnotated(inputs, "skipAwait") ? undefined : annotatedRule(inputs, readinessRuleOf(inputs));

/** Judges an object once, with what the rule wants to see beside it. */
export async function judge(object: JsonObject, rule: ReadinessRule, api: ApiClient): Promise<Verdict> {
  const path = rule.relatedPath?.(object);
  const related =
    path === undefined ? {} : await api({ method: "GET", path }).catch((error: unknown) => unlessMissing(error));
  return rule.judge(object, related);
}

function unlessMissing(error: unknown): JsonObject {
  if (hasStatus(error, 404)) return {};
  throw error;
}

/** Pauses between looks, until time runs out or the engine cancels. Yields once more at the very end. */
async function* looks(timeoutSeconds: number, signal: AbortSignal): AsyncGenerator<void> {
  const end = performance.now() + timeoutSeconds * 1000;
  let length = firstPauseMilliseconds;
  for (;;) {
    yield;
    const left = end - performance.now();
    if (signal.aborted || left <= 0) return;
    await pause(Math.min(length, left), undefined, { signal }).catch(() => undefined);
    length = Math.min(length * 1.5, longestPauseMilliseconds);
  }
}

/**
 * Waits until an object is ready.
 *
 * @param path where the object is
 * @param inputs what was asked for; their annotations steer the wait
 * @param live the object as the server answered
 * @param requestedSeconds `customTimeouts` of the resource; 0 when not set
 * @returns the object as last seen
 * @throws NotReadyError when it failed, was deleted, time ran out, or the engine cancelled
 */
export async function untilReady(
  path: string,
  inputs: JsonObject,
  live: JsonObject,
  requestedSeconds: number,
  context: WaitContext,
): Promise<JsonObject> {
  const rule = ruleFor(inputs);
  if (rule === undefined) return live;
  const timeoutSeconds = timeoutSecondsOf(inputs, requestedSeconds, rule.timeoutSeconds);
  let current = live;
  let message = "";
  for await (const _ of looks(timeoutSeconds, context.signal)) {
    const seen = await context.api({ method: "GET", path }).catch((error: unknown) => unlessMissing(error));
    if (Object.keys(seen).length === 0)
      throw new NotReadyError(`${describe(live)} was deleted while it was waited for.`, current, []);
    current = seen;
    const verdict = await judge(current, rule, context.api);
    if (verdict.state === "ready") {
      context.report("");
      return current;
    }
    if (verdict.state === "failed") {
      throw new NotReadyError(`${describe(current)} failed.`, current, [
        verdict.message,
        ...(await podMessages(current, context.api)),
      ]);
    }
    if (verdict.message !== message) context.report(verdict.message);
    message = verdict.message;
  }
  const cause = context.signal.aborted ? "The wait was cancelled" : `not ready within ${timeoutSeconds} s`;
  throw new NotReadyError(`${describe(current)}: ${cause}.`, current, [
    message,
    ...(await podMessages(current, context.api)),
  ]);
}

/**
 * Waits until an object is gone.
 *
 * @throws ProviderError when it is still there in the end
 */
export async function untilGone(
  path: string,
  object: JsonObject,
  timeoutSeconds: number,
  context: WaitContext,
): Promise<void> {
  let finalizers: string | undefined;
  for await (const _ of looks(timeoutSeconds, context.signal)) {
    const seen = await context.api({ method: "GET", path }).catch((error: unknown) => unlessMissing(error));
    if (Object.keys(seen).length === 0) {
      context.report("");
      return;
    }
    const left = listAt(seen, "metadata", "finalizers").join(", ") || "none";
    if (left !== finalizers) context.report(`Waiting for deletion (finalizers: ${left})`);
    finalizers = left;
  }
  const cause = context.signal.aborted ? "the wait was cancelled" : `it is still there after ${timeoutSeconds} s`;
  throw new ProviderError(
    `${describe(object)} is being deleted, but ${cause}. Its finalizers: ${finalizers ?? "not seen"}. See pulumi.com/timeoutSeconds and customTimeouts.`,
  );
}
