import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ContractOutput } from "../../src/pipeline/contract.ts";
import { at, contract, type Ended, launch, output, run, script, torchrun, useRuntime, write } from "./harness.ts";

/** Outputs that several nodes, or a program that only a file directs, write straight into their folder. */

useRuntime();

const videos = (overrides: Partial<ContractOutput> = {}): ContractOutput =>
  output({ title: "videos", path: at("videos"), requiredFiles: ["*.mp4"], isWrittenInPlace: true, ...overrides });

const begun = (): unknown => JSON.parse(readFileSync(at("videos", "ascend-begun.json"), "utf8"));
const isMarked = (): boolean => existsSync(at("videos", "ascend-artifact.json"));

function film(body: string, rank = "0", overrides: Partial<ContractOutput> = {}): Promise<Ended> {
  script("torchrun", `#!/bin/sh\n${body}\n`);
  return launch(
    ["inference.py"],
    { stage: "inference", launch: torchrun(2), outputs: [videos(overrides)] },
    { JOB_COMPLETION_INDEX: rank },
  );
}

const shoots = (name = "video_0.mp4"): string => `echo film > ${at("videos", name)}; echo run >> ${at("count")}`;

describe("an output that is written in place", () => {
  it("gets its folder before the program and its manifest after it, from the node with rank 0", async () => {
    const ended = await film(`test -f ${at("videos", "ascend-begun.json")} || exit 3; ${shoots()}`);
    expect(ended).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(at("videos", "ascend-artifact.json"), "utf8"))).toMatchObject({
      identity: videos().identity,
      stage: "inference",
    });
    expect(existsSync(at("videos.lock"))).toBe(false);
  });

  it("is left alone by the other nodes, which succeed with their program", async () => {
    expect(await film(`mkdir -p ${at("videos")}; ${shoots()}`, "1")).toMatchObject({ code: 0 });
    expect(isMarked()).toBe(false);
    expect(await film("exit 9", "1")).toMatchObject({ code: 9 });
  });

  it("is shared by two nodes that work at the same time", async () => {
    script(
      "torchrun",
      `#!/bin/sh\nwhile ! test -f ${at("videos", "ascend-begun.json")}; do sleep 0.05; done\ntouch ${at("videos")}/here_$6\n` +
        `while ! test -f ${at("videos", "here_0")} -a -f ${at("videos", "here_1")}; do sleep 0.05; done\necho film > ${at("videos")}/video_$6.mp4\n`,
    );
    const file = contract({
      launch: torchrun(2),
      outputs: [videos({ requiredFiles: ["video_0.mp4", "video_1.mp4"] })],
    });
    const node = (rank: string): Promise<Ended> =>
      run(["launch", "--contract", file, "--", "inference.py"], {
        JOB_COMPLETION_INDEX: rank,
        ASCEND_STACKS_SETTLE_SECONDS: "10",
      });
    expect(await Promise.all([node("0"), node("1")])).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(isMarked()).toBe(true);
  });

  it("is not made again", async () => {
    await film(shoots());
    for (const rank of ["0", "1"]) {
      expect(await film(shoots(), rank)).toMatchObject({ code: 0, stderr: expect.stringContaining("nothing to do") });
    }
    expect(readFileSync(at("count"), "utf8")).toBe("run\n");
  });

  it("goes on after a crash with everything that is there", async () => {
    expect(await film(`${shoots("video_0.mp4")}; exit 9`)).toMatchObject({ code: 9 });
    expect(isMarked()).toBe(false);
    const ended = await film(shoots("video_1.mp4"));
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("going on in") });
    expect(readdirSync(at("videos")).filter((name) => name.endsWith(".mp4"))).toEqual(["video_0.mp4", "video_1.mp4"]);
  });

  it("is refused when it was begun, or finished, for something else", async () => {
    const other = { identity: { ...videos().identity, key: "k9" } };
    await film("exit 9");
    expect(await film(shoots(), "0", other)).toMatchObject({
      code: 72,
      stderr: expect.stringContaining("key differs; got k1; expected k9"),
    });
    expect(begun()).toMatchObject({ identity: videos().identity });
    await film(shoots());
    expect(await film(shoots(), "1", other)).toMatchObject({ code: 72 });
  });

  it("is refused when its sources have changed since", async () => {
    write(at("source"), "one prompt");
    await film("exit 9");
    write(at("source"), "another prompt");
    expect(await film(shoots())).toMatchObject({ code: 72, stderr: expect.stringContaining("made from other files") });
  });

  it("is refused when something unknown lies there, and never emptied", async () => {
    mkdirSync(at("videos"));
    write(at("videos", "holiday.mp4"), "mine");
    expect(await film(shoots())).toMatchObject({ code: 77, stderr: expect.stringContaining("is occupied") });
    expect(readdirSync(at("videos"))).toEqual(["holiday.mp4"]);
  });

  it("is not believed without its files", async () => {
    expect(await film("exit 0")).toMatchObject({ code: 76, stderr: expect.stringContaining("got no file *.mp4") });
    expect(isMarked()).toBe(false);
  });

  it("is the only kind that several nodes may share", async () => {
    expect(await film(shoots(), "0", { isWrittenInPlace: false })).toMatchObject({
      code: 70,
      stderr: expect.stringContaining("several nodes cannot share"),
    });
  });
});
