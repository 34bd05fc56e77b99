import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { at, contract, type Ended, rankZero, script, start, training, useRuntime } from "./harness.ts";

/** SIGTERM, the way in which Kubernetes ends a pod: a save in progress must reach its end. */

useRuntime();

/** As torchrun behaves: two workers in sessions of their own, ended a while after its own signal (0.2 s here, 30 s there). */
const torchrun = (worker: string): string => `#!/usr/bin/env python3
import signal, subprocess, sys, time
children = [subprocess.Popen(["sh", "-c", ${JSON.stringify(worker)}, rank], start_new_session=True) for rank in "01"]
def stop(number, frame):
    for child in children:
        child.terminate()
    time.sleep(0.2)
    for child in children:
        child.kill()
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
sys.exit(max(1 if code < 0 else code for code in [child.wait() for child in children]))
`;

async function stopped(body: string, signals = 1): Promise<Ended> {
  script("torchrun", torchrun(body));
  const { child, ended } = start(["launch", "--contract", contract(training()), "--", "pretrain.py"], rankZero);
  let ready = "";
  await new Promise<void>((resolve) =>
    child.stdout?.on("data", (data: Buffer) => {
      ready += data.toString();
      if (ready.split("ready").length > 2) resolve();
    }),
  );
  for (let number = 0; number < signals; number += 1) {
    child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return ended;
}

const slowSave = (code: number): string =>
  `trap 'sleep 0.8; echo saved > ${at("saved")}$0; exit ${code}' TERM; echo ready; while :; do sleep 0.05; done`;

describe("a stop", () => {
  it("waits for a save that takes longer than torchrun's patience, and ends with 143", async () => {
    expect(await stopped(slowSave(0))).toMatchObject({ code: 143 });
    expect([readFileSync(at("saved0"), "utf8"), readFileSync(at("saved1"), "utf8")]).toEqual(["saved\n", "saved\n"]);
  });

  it("ends with 143 when the program does not handle the signal", async () => {
    expect(await stopped("echo ready; while :; do sleep 0.05; done")).toMatchObject({ code: 143 });
  });

  it("is a stop and no failure when the save itself fails", async () => {
    expect(await stopped(slowSave(9))).toMatchObject({ code: 143 });
  });

  it("does not wait after a second signal", async () => {
    expect(await stopped(slowSave(0), 2)).toMatchObject({ code: 143 });
    expect(existsSync(at("saved0"))).toBe(false);
  });
});
