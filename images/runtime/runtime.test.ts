import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import type { ContractOutput, StageContract } from "../../src/pipeline/contract.ts";
import {
  at,
  checkpointFolder,
  contract,
  type Ended,
  identity,
  input,
  launch,
  output,
  rankFolders,
  rankZero,
  run,
  saves,
  script,
  start,
  training,
  useRuntime,
  write,
} from "./harness.ts";

/** The runtime as pods run it: as a process, with real programs, files and signals. torchrun is a stub that the tests write. */

useRuntime();

describe("training", () => {
  it("starts torchrun with the node's own rank and believes a saved checkpoint", async () => {
    script("torchrun", `#!/bin/sh\nprintf '%s\\n' "$@" > ${at("argv")}\n${saves("10")}`);
    const ended = await launch(["pretrain.py", "--bf16", "--lr", "1e-5"], training(2), { JOB_COMPLETION_INDEX: "1" });
    expect(ended).toMatchObject({ code: 0 });
    expect(readFileSync(at("argv"), "utf8").trim().split("\n")).toEqual([
      ...[
        "--nproc_per_node",
        "8",
        "--nnodes",
        "2",
        "--node_rank",
        "1",
        "--master_addr",
        "127.0.0.1",
        "--master_port",
        "29505",
      ],
      ...["pretrain.py", "--bf16", "--lr", "1e-5"],
    ]);
  });

  it("records its layout at the first start and marks the folder when complete", async () => {
    script("torchrun", `#!/bin/sh\n${saves("10")}`);
    await launch(["pretrain.py"], training(), rankZero);
    expect(JSON.parse(readFileSync(at("save", "ascend-run.json"), "utf8"))).toMatchObject({ identity });
    expect(JSON.parse(readFileSync(at("save", "ascend-artifact.json"), "utf8"))).toMatchObject({
      identity,
      iteration: 10,
      run: "run-a",
    });
  });

  it("passes a worker's exit code through", async () => {
    script("torchrun", "#!/bin/sh\nexit 13\n");
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({ code: 13 });
  });

  it("reports a program that was killed by a signal as 128 + signal", async () => {
    script("torchrun", "#!/bin/sh\nkill -KILL $$\n");
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({ code: 137 });
  });

  it.each([
    ["writes nothing", () => "", /got iteration none in .*; expected 10/],
    ["stops early", () => saves("4").replaceAll("iter_0000010", "iter_0000004"), /got iteration 4 in .*; expected 10/],
  ])("does not believe exit 0 of a program that %s", async (_, body, message) => {
    script("torchrun", `#!/bin/sh\n${body()}\n`);
    const ended = await launch(["pretrain.py"], training(), rankZero);
    expect(ended.code).toBe(76);
    expect(ended.stderr).toMatch(message);
    expect(readFileSync(at("termination-log"), "utf8")).toMatch(message);
  });

  it("gives a shared file system some time to show the last checkpoint", async () => {
    script(
      "torchrun",
      `#!/bin/sh\n(sleep 0.4; ${saves("10").trim().replaceAll("\n", "; ")}) >/dev/null 2>&1 &\nexit 0\n`,
    );
    const ended = await launch(["pretrain.py"], training(), { ...rankZero, ASCEND_STACKS_SETTLE_SECONDS: "4" });
    expect(ended).toMatchObject({ code: 0 });
  });

  it("does not believe a tracker whose rank files are missing", async () => {
    script("torchrun", `#!/bin/sh\n${saves("10")}\nrm ${at("save")}/iter_0000010/mp_rank_01/model_optim_rng.pt\n`);
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({ code: 73 });
  });

  it.each([
    ["empty", "", 73],
    ["truncated in the middle of a word", "rele", 73],
    ["a line too many", "release\n", 73],
  ])("refuses to go on from a tracker that is %s", async (_, tracker, code) => {
    write(at("save", "latest_checkpointed_iteration.txt"), tracker);
    script("torchrun", `#!/bin/sh\ntouch ${at("started")}\n`);
    const ended = await launch(["pretrain.py"], training(), rankZero);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain("the checkpoint tracker");
    expect(existsSync(at("started"))).toBe(false);
  });

  it("refuses to go on from a checkpoint that lacks a rank", async () => {
    checkpointFolder(at("save"), "5", ["mp_rank_00"]);
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({
      code: 73,
      stderr: expect.stringContaining("got no mp_rank_01"),
    });
  });

  it("refuses to go on from a checkpoint of another layout", async () => {
    checkpointFolder(at("save"), "5", [...rankFolders, "mp_rank_02"]);
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({ code: 72 });
    rmSync(at("save"), { recursive: true });
    write(at("save", "ascend-run.json"), JSON.stringify({ identity: { ...identity, layout: { tensor: 4 } } }));
    const ended = await launch(["pretrain.py"], training(), rankZero);
    expect(ended.code).toBe(72);
    expect(ended.stderr).toContain("layout.tensor differs; got 4; expected 2");
  });

  it("goes on from its own checkpoint and says from where", async () => {
    checkpointFolder(at("save"), "5");
    script("torchrun", `#!/bin/sh\n${saves("10")}`);
    expect(await launch(["pretrain.py"], training(), rankZero)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("going on from iteration 5"),
    });
  });

  it("prints upstream's performance line from the log and lets every byte through", async () => {
    const line =
      "[2026-01-01 00:00:00] iteration 1/ 10 | elapsed time per iteration (ms): 500.0 | global batch size: 8 |";
    script("torchrun", `#!/bin/sh\nprintf '\\377\\000\\n'\nfor n in 1 2 3; do echo '${line}'; done\n${saves("10")}`);
    const ended = await launch(["pretrain.py"], training(), rankZero);
    expect(ended.stdout).toBe(
      `\u00ff\u0000\n${`${line}\n`.repeat(3)}Elapsed Time Per iteration: 500.0, Average Samples per Second: 16.000\n`,
    );
  });

  it("passes SIGTERM to grandchildren, waits for the program, and ends with 143", async () => {
    script(
      "torchrun",
      `#!/bin/sh\nsh -c 'trap "sleep 0.3; echo child > ${at("child")}; exit 0" TERM; echo ready; while :; do sleep 0.05; done' &\ntrap 'wait; exit 0' TERM\nwait\n`,
    );
    const { child, ended } = start(["launch", "--contract", contract(training()), "--", "pretrain.py"], rankZero);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 143 });
    expect(readFileSync(at("child"), "utf8")).toBe("child\n");
  });

  it("runs two nodes that really meet over loopback", async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
      });
    });
    script(
      "torchrun",
      `#!/usr/bin/env python3
import socket, sys, time, pathlib
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
address = (words["--master_addr"], int(words["--master_port"]))
if words["--node_rank"] == "0":
    server = socket.create_server(address)
    peer, _ = server.accept()
    assert peer.recv(16) == b"hello"
    peer.sendall(b"go")
    for rank in ("00", "01"):
        path = pathlib.Path(${JSON.stringify(at("save"))}, "iter_0000010", f"mp_rank_{rank}")
        path.mkdir(parents=True)
        (path / "model_optim_rng.pt").write_text("weights")
    pathlib.Path(${JSON.stringify(at("save"))}, "latest_checkpointed_iteration.txt").write_text("10")
    peer.sendall(b"saved")
else:
    for _ in range(100):
        try:
            peer = socket.create_connection(address)
            break
        except OSError:
            time.sleep(0.1)
    peer.sendall(b"hello")
    while b"saved" not in peer.recv(64):
        pass
`,
    );
    const file = contract(training(2, port));
    const node = (rank: string): Promise<Ended> =>
      run(["launch", "--contract", file, "--", "pretrain.py"], { JOB_COMPLETION_INDEX: rank });
    const [first, second] = await Promise.all([node("0"), node("1")]);
    expect([first, second]).toMatchObject([{ code: 0 }, { code: 0 }]);
  });
});

describe("preflight", () => {
  it("names a missing input and what to do", async () => {
    const ended = await run(["check", "--contract", contract({ inputs: [input()] })]);
    expect(ended.code).toBe(71);
    expect(ended.stderr.trim()).toBe(
      `ascend: error: pretrain of run run-a: the weights is missing; got nothing at ${at("weights")}; download them`,
    );
  });

  it("finds a required file at any depth, and misses an empty one", async () => {
    const file = contract({ inputs: [input({ requiredFiles: ["**/*.safetensors"] })] });
    write(at("weights", "deep", "model.safetensors"), "");
    expect(await run(["check", "--contract", file])).toMatchObject({ code: 71 });
    write(at("weights", "deep", "model.safetensors"), "x");
    expect(await run(["check", "--contract", file])).toMatchObject({ code: 0 });
  });

  it("refuses an artifact without manifest, and one of another layout, by the first differing field", async () => {
    const wanted = { kind: "dit-weights", recipe: "test", key: "k2", layout: { tensor: 2 } };
    const file = contract({ inputs: [input({ identity: wanted })] });
    mkdirSync(at("weights"));
    expect(await run(["check", "--contract", file])).toMatchObject({
      code: 71,
      stderr: expect.stringContaining("is not finished"),
    });
    write(
      at("weights", "ascend-artifact.json"),
      JSON.stringify({ identity: { ...wanted, key: "k1", layout: { tensor: 1 } } }),
    );
    expect(await run(["check", "--contract", file])).toMatchObject({
      code: 72,
      stderr: expect.stringContaining("layout.tensor differs; got 1; expected 2"),
    });
  });

  it("refuses converted weights without tracker: training would start from random weights", async () => {
    mkdirSync(at("weights"));
    const file = contract({ inputs: [input({ checkpoint: { rankFolders } })] });
    expect(await run(["check", "--contract", file])).toMatchObject({
      code: 73,
      stderr: expect.stringContaining("random weights"),
    });
    checkpointFolder(at("weights"), "release");
    expect(await run(["check", "--contract", file])).toMatchObject({ code: 0 });
  });

  it.each([
    ["of another version", { schemaVersion: 1 }, 70],
    ["without fields", {}, 70],
  ])("refuses a contract %s", async (_, content, code) => {
    const file = write(at("broken.json"), JSON.stringify(content));
    expect(await run(["check", "--contract", file])).toMatchObject({ code });
  });

  it.each([
    ["no rank from the scheduler", {}, /JOB_COMPLETION_INDEX is not set/],
    ["a rank beyond the nodes", { JOB_COMPLETION_INDEX: "7" }, /got 7; expected 0 to 0/],
  ])("refuses %s", async (_, environment, message) => {
    const ended = await launch(["pretrain.py"], training(), environment);
    expect(ended.code).toBe(74);
    expect(ended.stderr).toMatch(message);
  });

  it("gives up on a master that cannot be resolved", async () => {
    const distributed = training(2);
    const named = {
      ...distributed,
      launch: {
        ...distributed.launch,
        rendezvous: {
          nodeRank: { value: "1" },
          masterAddress: { value: "nowhere.invalid" },
          masterPort: { value: "1" },
        },
      },
    } as Partial<StageContract>;
    expect(await launch(["pretrain.py"], named, { ASCEND_STACKS_RESOLVE_SECONDS: "0.3" })).toMatchObject({
      code: 74,
      stderr: expect.stringContaining("nowhere.invalid cannot be resolved"),
    });
  });
});

describe("the program's environment", () => {
  it("comes from the first environment script that exists; the pod's own values stay, search paths are extended", async () => {
    write(at(".bashrc"), "PATH=/usr/bin:/bin\n");
    write(
      at("set_env.sh"),
      "echo noise\nexport ASCEND_HOME=/opt/ascend\nexport PATH=/opt/ascend/bin:$PATH\nexport TASK_QUEUE_ENABLE=12\n",
    );
    script("tool", `#!/bin/sh\nmkdir -p $1; echo "$ASCEND_HOME $TASK_QUEUE_ENABLE $PATH" > $1/out.pt\n`);
    const ended = await launch(
      ["tool", at("volume", "converted")],
      { outputs: [output()], environmentScripts: [at("absent.sh"), at("set_env.sh")] },
      // A shell's start-up file plays no part, though bash reads it under these circumstances.
      { TASK_QUEUE_ENABLE: "1", SHLVL: "0", HOME: at() },
    );
    expect(ended.code).toBe(0);
    expect(readFileSync(at("volume", "converted", "out.pt"), "utf8")).toMatch(/^\/opt\/ascend 1 \/opt\/ascend\/bin:/);
  });

  it("is refused when the script fails, with its last words", async () => {
    write(at("set_env.sh"), "echo no toolkit here >&2\nexit 3\n");
    expect(await launch(["true"], { outputs: [output()], environmentScripts: [at("set_env.sh")] })).toMatchObject({
      code: 74,
      stderr: expect.stringContaining("failed with 3: no toolkit here"),
    });
  });

  it("must hold the program", async () => {
    expect(await launch(["no-such-program"], { outputs: [output()] })).toMatchObject({
      code: 74,
      stderr: expect.stringContaining("no-such-program is not in the image"),
    });
  });
});

describe("making an artifact", () => {
  const convert = `#!/bin/sh\necho run >> ${"$COUNT"}\nmkdir -p "$1"\ncp "$2" "$1/out.pt"\n`;
  const make = (overrides: Partial<ContractOutput> = {}): Promise<Ended> => {
    script("convert", convert);
    if (!existsSync(at("source"))) write(at("source"), "raw weights");
    return launch(
      ["convert", at("volume", "converted"), at("source")],
      { stage: "convertVae", outputs: [output(overrides)] },
      { COUNT: at("count") },
    );
  };
  const runs = (): number => readFileSync(at("count"), "utf8").trim().split("\n").length;

  it("gives the folder its name when it is whole, with a manifest", async () => {
    expect(await make()).toMatchObject({ code: 0 });
    expect(readFileSync(at("volume", "converted", "out.pt"), "utf8")).toBe("raw weights");
    expect(JSON.parse(readFileSync(at("volume", "converted", "ascend-artifact.json"), "utf8"))).toMatchObject({
      identity: output().identity,
      stage: "convertVae",
      image: "registry.example.com/image@sha256:0",
    });
    expect(readdirSync(at("volume"))).toEqual(["converted"]);
  });

  it("does nothing the second time", async () => {
    await make();
    expect(await make()).toMatchObject({ code: 0, stderr: expect.stringContaining("nothing to do") });
    expect(runs()).toBe(1);
  });

  it("refuses when the source has changed, or the target is something else", async () => {
    await make();
    write(at("source"), "other weights");
    expect(await make()).toMatchObject({ code: 72, stderr: expect.stringContaining("made from other files") });
    expect(await make({ identity: { ...output().identity, key: "k9" } })).toMatchObject({
      code: 72,
      stderr: expect.stringContaining("key differs; got k1; expected k9"),
    });
    rmSync(at("volume", "converted", "ascend-artifact.json"));
    expect(await make()).toMatchObject({ code: 77 });
  });

  it("leaves nothing that looks whole after a crash, and cleans up at the next start", async () => {
    script("crash", "#!/bin/sh\nmkdir -p $1; echo half > $1/out.pt; exit 9\n");
    write(at("source"), "raw weights");
    const words = ["crash", at("volume", "converted")];
    expect(await launch(words, { outputs: [output()] })).toMatchObject({ code: 9 });
    expect(existsSync(at("volume", "converted"))).toBe(false);
    expect(await make()).toMatchObject({ code: 0 });
    expect(readdirSync(at("volume"))).toEqual(["converted"]);
  });

  it("does not believe exit 0 without the files", async () => {
    expect(await make({ requiredFiles: ["other.pt"] })).toMatchObject({ code: 76 });
    expect(existsSync(at("volume", "converted"))).toBe(false);
  });

  it("is done once when two pods start together", async () => {
    script("convert", convert.replace("mkdir", "sleep 0.5; mkdir"));
    write(at("source"), "raw weights");
    const file = contract({ outputs: [output()] });
    const words = ["launch", "--contract", file, "--", "convert", at("volume", "converted"), at("source")];
    const ended = await Promise.all([run(words, { COUNT: at("count") }), run(words, { COUNT: at("count") })]);
    expect(ended).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(runs()).toBe(1);
  });

  it("needs a volume that can be written", async () => {
    write(at("volume"), "a file where a folder should be");
    expect(await make()).toMatchObject({ code: 77 });
  });
});
