import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { at, contract, type Ended, rankZero, script, start, training, useRuntime } from "./harness.ts";

/** SIGTERM, the way in which Kubernetes ends a pod: a save in progress must reach its end. */

useRuntime();

/** As torchrun behaves: workers in sessions of their own, ended a while after torchrun's own signal (0.2 s here, 30 s there). */
const torchrun = (worker: string): string => `#!/usr/bin/env python3
import signal, subprocess, sys, time
child = subprocess.Popen(["sh", "-c", ${JSON.stringify(worker)}], start_new_session=True)
def stop(number, frame):
    child.terminate()
    time.sleep(0.2)
    child.kill()
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
code = child.wait()
sys.exit(1 if code < 0 else code)
`;

async function stopped(body: string, signals = 1): Promise<Ended> {
  script("torchrun", torchrun(body));
  const { child, ended } = start(["launch", "--contract", contract(training()), "--", "pretrain.py"], rankZero);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  for (let number = 0; number < signals; number += 1) {
    child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return ended;
}

const slowSave = (code: number): string =>
  `trap 'sleep 0.8; echo saved > ${at("saved")}; exit ${code}' TERM; echo ready; while :; do sleep 0.05; done`;

describe("a stop", () => {
  it("waits for a save that takes longer than torchrun's patience, and ends with 143", async () => {
    expect(await stopped(slowSave(0))).toMatchObject({ code: 143 });
    expect(readFileSync(at("saved"), "utf8")).toBe("saved\n");
  });

  it("ends with 143 when the program does not handle the signal", async () => {
    expect(await stopped("echo ready; while :; do sleep 0.05; done")).toMatchObject({ code: 143 });
  });

  it("is a stop and no failure when the save itself fails", async () => {
    expect(await stopped(slowSave(9))).toMatchObject({ code: 143 });
  });

  it("does not wait after a second signal", async () => {
    expect(await stopped(slowSave(0), 2)).toMatchObject({ code: 143 });
    expect(existsSync(at("saved"))).toBe(false);
  });
});
