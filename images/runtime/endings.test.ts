import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  at,
  contract,
  type Ended,
  launch,
  output,
  rankZero,
  saves,
  script,
  start,
  training,
  useRuntime,
  write,
} from "./harness.ts";
import { iterationLine } from "./iteration-lines.ts";

/** The container's termination message, which is the last that Kubernetes keeps of a pod. */

useRuntime();

const message = (): string => readFileSync(at("termination-log"), "utf8");

const twoSteps = [1, 2].map((iteration) => iterationLine({ iteration, milliseconds: iteration * 500 })).join("\n");

const train = (body: string): Promise<Ended> => {
  write(at("log"), `${twoSteps}\n`);
  script("torchrun", `#!/bin/sh\ncat ${at("log")}\n${body}`);
  return launch(["pretrain.py"], training(), rankZero);
};

describe("the termination message", () => {
  it("of a training that is done says how far it came, how fast, and where the result is", async () => {
    expect(await train(saves("10"))).toMatchObject({ code: 0 });
    expect(message()).toBe(
      `ascend: done: pretrain of run run-a: iteration 2 of 10; mean step time 0.750 s; 10.667 samples a second; checkpoint ${at("save", "iter_0000010")}`,
    );
  });

  it.each([
    ["an exit code", "exit 13", "the program ended with exit code 13"],
    ["a signal", "kill -SEGV $$", "the program was ended by SIGSEGV"],
    [
      "the memory limit",
      "kill -KILL $$",
      "the program was ended by SIGKILL, often because the memory limit was reached",
    ],
    ["a signal that nobody asked the pod for", "kill -TERM $$", "the program was ended by SIGTERM"],
  ])("of a training that failed with %s says so, and what is left of it", async (_, body, cause) => {
    await train(`${saves("10").replaceAll("0000010", "0000001").replace("'10'", "'1'")}\n${body}`);
    expect(message()).toBe(
      `ascend: error: pretrain of run run-a: ${cause}; iteration 2 of 10; mean step time 0.750 s; 10.667 samples a second; checkpoint ${at("save", "iter_0000001")}; see its log above`,
    );
  });

  it("of a training that was asked to end says from where it goes on", async () => {
    const worker = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done';
    script("torchrun", `#!/bin/sh\nsh -c '${worker}' &\nwait $!\n`);
    const { child, ended } = start(["launch", "--contract", contract(training()), "--", "pretrain.py"], rankZero);
    child.stdout?.once("data", () => child.kill("SIGTERM"));
    expect(await ended).toMatchObject({ code: 143 });
    expect(message()).toBe("ascend: stopped: pretrain of run run-a: the pod was asked to end; no checkpoint yet");
  });

  it("of a stage that makes something names it, also when it was there already", async () => {
    const made = { stage: "convertDit", outputs: [output()] };
    write(at("source"), "weights");
    script("convert", '#!/bin/sh\nmkdir -p "$1"\necho weights > "$1/out.pt"\n');
    const program = ["convert", at("volume", "converted")];
    expect(await launch(program, made)).toMatchObject({ code: 0 });
    expect(message()).toBe(`ascend: done: convertDit of run run-a: converted weights at ${at("volume", "converted")}`);
    expect(await launch(program, made)).toMatchObject({ code: 0 });
    expect(message()).toContain("done: convertDit of run run-a: already done with the same settings");
  });

  it("keeps what the program itself has left there", async () => {
    script("prepare", `#!/bin/sh\nprintf 'ascend: error: the dataset is empty' > ${at("termination-log")}\nexit 75\n`);
    expect(await launch(["prepare"], { outputs: [output()] })).toMatchObject({ code: 75 });
    expect(message()).toBe("ascend: error: the dataset is empty");
  });

  it("fits into what Kubernetes keeps, with whole characters", async () => {
    const run = `x${"跑".repeat(2000)}`;
    script("fail", "#!/bin/sh\nexit 3\n");
    expect(await launch(["fail"], { run, outputs: [output()] })).toMatchObject({ code: 3 });
    const bytes = readFileSync(at("termination-log"));
    expect(bytes.length).toBeGreaterThan(4090);
    expect(bytes.length).toBeLessThanOrEqual(4096);
    expect(new TextDecoder("utf-8", { fatal: true }).decode(bytes)).toMatch(/^ascend: error: pretrain of run x跑+$/);
  });
});
