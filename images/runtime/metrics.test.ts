import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { at, checkpointFolder, useRuntime, write } from "./harness.ts";
import { iterationLine } from "./iteration-lines.ts";
import { freePort, parseExposition, type Served, serve } from "./scraping.ts";

/** Metrics over HTTP from a running launcher; torchrun is a stub that prints lines as upstream does. */

useRuntime();

const labels = { environment: "test", run: "run-a", stage: "pretrain" };

const valuesOf = async (served: Served): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries([...(await served.scrape())].map(([name, { value }]) => [name, value]));

const usual = [
  "loading",
  iterationLine({ iteration: 1, milliseconds: 13_960, loss: "9.000000E-01" }),
  iterationLine({ iteration: 2, loss: "1.234500E-01", skipped: 1 }),
].join("\n");

/** Waits until a scrape fits: the tracker is read beside the program. */
async function eventually(served: Served, name: string, value: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if ((await valuesOf(served))[name] === value) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(await valuesOf(served)).toMatchObject({ [name]: value });
}

const isRefused = async (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/metrics`).then(
    () => false,
    () => true,
  );

describe("the metrics of a training", () => {
  it("say what the newest iteration line says", async () => {
    checkpointFolder(at("save"), "5");
    const before = Date.now() / 1000;
    const served = await serve(usual);
    await eventually(served, "ascend_training_last_checkpoint_iteration", 5);
    const samples = await served.scrape();
    const { ascend_training_last_iteration_timestamp_seconds: printedAt, ...values } = await valuesOf(served);
    expect(values).toEqual({
      ascend_training_iteration: 2,
      ascend_training_target_iterations: 10,
      ascend_training_loss: 0.12345,
      ascend_training_step_seconds: 0.5,
      ascend_training_samples_per_second: 16,
      ascend_training_consumed_samples: 16,
      ascend_training_learning_rate: 1e-5,
      ascend_training_skipped_iterations: 1,
      ascend_training_nan_iterations: 0,
      ascend_training_last_checkpoint_iteration: 5,
      ascend_stage_starts: 1,
    });
    expect(printedAt).toBeGreaterThanOrEqual(before);
    expect(printedAt).toBeLessThanOrEqual(Date.now() / 1000);
    for (const sample of samples.values()) expect(sample.labels).toEqual(labels);
    expect(await served.finish()).toMatchObject({ code: 0 });
  });

  it("cover everything that the chart's alerts and dashboard ask of trainings, with the labels they group by", async () => {
    const folder = join(import.meta.dirname, "..", "..", "charts", "ascend-observability", "files");
    const text = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("\n");
    const asked = new Set(text.match(/\bascend_[a-z_]+/g));
    const grouped = new Set([...text.matchAll(/by \(([a-z, ]+)\)/g)].flatMap(([, list = ""]) => list.split(/, */)));
    expect(asked.size).toBeGreaterThanOrEqual(5);
    const served = await serve(usual);
    const samples = await served.scrape();
    for (const name of asked) expect(samples.get(name)?.labels, name).toEqual(labels);
    for (const label of grouped) expect(Object.keys(labels).concat("pod_name", "id", "instance")).toContain(label);
    await served.finish();
  });

  it("are served as Prometheus wants them, beside a sign of life, and nothing else", async () => {
    const served = await serve(usual);
    const metrics = await served.get("/metrics?name=x");
    expect([metrics.status, metrics.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    const health = await served.get("/healthz");
    expect([health.status, await health.text()]).toEqual([200, "ok\n"]);
    const head = await served.get("/metrics", "HEAD");
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await served.get("/contract.json")).status).toBe(404);
    expect((await served.get("/metrics", "POST")).status).toBe(405);
    expect(await served.finish()).toMatchObject({ code: 0 });
  });

  it.each([
    ["that upstream hides because it is not a number", {}, Number.NaN],
    ["that overflowed", { loss: "INF" }, Number.POSITIVE_INFINITY],
    ["of a skipped iteration that was not a number", { skipped: 1, notANumber: 1 }, Number.NaN],
    ["that is unknown, for nothing but a skipped iteration was logged", { skipped: 1 }, undefined],
  ])("show a loss %s", async (_, line, expected) => {
    const served = await serve(iterationLine({ iteration: 3, ...line }));
    expect(await valuesOf(served)).toMatchObject({ ascend_training_iteration: 3 });
    expect((await valuesOf(served)).ascend_training_loss).toEqual(expected);
    await served.finish();
  });

  it("survive names that need escapes", async () => {
    const run = 'quote " backslash \\ line\nend';
    const served = await serve(usual, { overrides: { run } });
    expect((await served.scrape()).get("ascend_training_iteration")?.labels).toEqual({ ...labels, run });
    await served.finish();
  });

  it("are served by the pods that know them: iterations by the last rank, checkpoints and starts by the first", async () => {
    checkpointFolder(at("save"), "5");
    const first = await serve("loading", { nodes: 2, rank: 0 });
    await eventually(first, "ascend_training_last_checkpoint_iteration", 5);
    expect(Object.keys(await valuesOf(first)).sort()).toEqual([
      "ascend_stage_starts",
      "ascend_training_last_checkpoint_iteration",
    ]);
    await first.finish();
  });

  it("are no values of another rank's iterations", async () => {
    const last = await serve("loading", { nodes: 2, rank: 1 });
    expect(await valuesOf(last)).toEqual({ ascend_training_target_iterations: 10 });
    await last.finish();
  });

  it("count the starts of a stage", async () => {
    await (await serve(usual)).finish();
    const again = await serve(usual);
    await eventually(again, "ascend_stage_starts", 2);
    await again.finish();
  });

  it("come from lines in pieces, among endless and garbled ones", async () => {
    const line = iterationLine({ iteration: 7, loss: "5.000000E-01" });
    write(at("head"), line.slice(0, 60));
    write(at("tail"), `${line.slice(60)}\n`);
    const garbled = [
      `${"x".repeat(3_000_000)}`,
      "iteration 9/ 10 | elapsed time per iteration (ms): nan |",
      "iteration 9/ 10 | elapsed time per iteration (ms): 0.0 |",
      `iteration ${"9".repeat(5000)}/ 10 | elapsed time per iteration (ms): 5.0 |`,
      "elapsed time per iteration (ms): 5.0 |",
      "validation loss at iteration 9 | loss value: 1.0E+00 |",
    ].join("\n");
    const served = await serve(garbled, { afterwards: `cat ${at("head")}; sleep 0.2; cat ${at("tail")}` });
    expect(await valuesOf(served)).toMatchObject({ ascend_training_iteration: 7, ascend_training_loss: 0.5 });
    expect(await served.finish()).toMatchObject({ code: 0 });
  });

  it("are not served unless the contract asks for it, and no longer than the program runs", async () => {
    const port = await freePort();
    const silent = await serve(usual, { port, isAsked: false });
    expect(await isRefused(port)).toBe(true);
    await silent.finish();
    const served = await serve(usual, { port });
    expect(await isRefused(port)).toBe(false);
    await served.finish();
    expect(await isRefused(port)).toBe(true);
  });
});

describe("a training", () => {
  it("goes on without metrics when their port is taken", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, () => resolve((other.address() as { readonly port: number }).port));
    });
    const ended = await (await serve(usual, { port })).finish();
    other.close();
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("goes on without metrics") });
  });

  it("neither waits for clients that hang nor serves others worse for long", async () => {
    const served = await serve(usual);
    // Half of them say nothing at all, half begin a request that they never end.
    const hanging = (count: number): readonly Socket[] =>
      Array.from({ length: count }, (_, index) => {
        const client = connect(served.port, "127.0.0.1").on("error", () => undefined);
        if (index % 2 === 1) client.write("GET /metrics HTTP/1.1\r\nHost:");
        return client;
      });
    const clients = hanging(40);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const begun = Date.now();
    const answered = async (): Promise<boolean> =>
      served.get("/healthz").then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await answered())) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Date.now() - begun).toBeLessThan(9000);
    const late = hanging(8);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ending = Date.now();
    expect(await served.finish()).toMatchObject({ code: 0 });
    expect(Date.now() - ending).toBeLessThan(4000);
    for (const client of [...clients, ...late]) client.destroy();
  });

  it("keeps every byte of its log through a storm of scrapes and of rubbish", async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) =>
      iterationLine({ iteration: index + 1, target: 20_000, loss: "1.0E-01" }),
    ).join("\n");
    const served = await serve(usual, {
      afterwards: `while [ ! -e ${at("storm")} ]; do sleep 0.02; done; cat ${write(at("lines"), `${lines}\n`)}`,
      port: await freePort(),
      isReadyAtOnce: true,
    });
    write(at("storm"), "");
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        if (index % 3 === 0) {
          connect(served.port, "127.0.0.1")
            .on("error", () => undefined)
            .end(Buffer.alloc(30_000, index % 256));
          return 0;
        }
        const text = await served.get("/metrics").then(
          (response) => response.text(),
          () => "",
        );
        return parseExposition(text).size;
      }),
    );
    expect(outcomes.filter((size) => size > 5).length).toBeGreaterThan(0);
    const { code, stdout } = await served.finish();
    expect(code).toBe(0);
    expect(stdout).toContain(`${usual}\n${lines}\nthe log is over\n`);
  });
});
