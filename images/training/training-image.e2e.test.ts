import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BuildRequest } from "../../tools/image-builder/build-arguments.ts";
import { type Builder, startBuilder } from "../../tools/image-builder/builder.ts";
import { type RegistryImage, readImage, unpackImage } from "../../tools/image-builder/pull-image.ts";
import { runInImage } from "../../tools/image-builder/run-image.ts";
import { buildStubBase, stubPython } from "../../tools/image-builder/stub-base.ts";
import { prepareStubContext, type StubContext } from "../../tools/image-builder/stub-context.ts";
import { ensurePythonPrograms } from "../../tools/python/programs.ts";

/**
 * The unmodified Dockerfile, built by a real BuildKit from a stub of the CANN image, small repositories and a short lock, pushed to
 * a real registry, and run by a real runc as a pod would run it.
 *
 * Not proven here: the layers that cannot be had on such a machine, which are CANN itself, torch with torch_npu, MindSpeed,
 * Megatron-LM and MindSpeed-MM, and decord with FFmpeg from source (aarch64). Their names, versions and order are; their code is not.
 */

const images = join(import.meta.dirname, "..");
const repository = "training/opensoraplan";
/** Any name by digest: the builder is told what stands in for it, and never asks for it. */
const baseName = (digest: string): string => `registry.example.com/cann:9.0.0@${digest}`;
const sourceDate = "1700000000";

let folder: string;
let builder: Builder;
let context: StubContext;
let request: BuildRequest;
let digest: string;
let image: RegistryImage;
let unpacked: { readonly root: string; readonly layers: readonly string[] };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ascend-image-"));
  const { uv } = await ensurePythonPrograms();
  builder = await startBuilder(join(folder, "builder"));
  const base = await buildStubBase(builder, folder);
  context = await prepareStubContext(images, uv, join(folder, "context"));
  const name = baseName(base.split("@")[1] ?? "");
  const certificates = process.env.SSL_CERT_FILE;
  request = {
    context: context.folder,
    dockerfile: join(context.folder, "training"),
    buildArguments: {
      ...context.buildArguments,
      BASE_IMAGE: name,
      SOURCE_DATE_EPOCH: sourceDate,
      BUILD_CONTENT: "0123abcd",
    },
    namedContexts: { [name]: base },
    // Some networks put a certificate of their own before the package index.
    secrets: certificates === undefined || !existsSync(certificates) ? {} : { ca: certificates },
    push: `${builder.registry}/${repository}:first`,
  };
  digest = await builder.build(request);
  image = await readImage(builder.registry, repository, digest);
  unpacked = await unpackImage(builder.registry, repository, image, join(folder, "unpacked"));
}, 1_200_000);

afterAll(async () => {
  await builder?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("the training image", () => {
  it("was built from the Dockerfile as it is", () => {
    expect(readFileSync(join(context.folder, "training", "Dockerfile"), "utf8")).toBe(
      readFileSync(join(images, "training", "Dockerfile"), "utf8"),
    );
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it("passes its smoke test under runc: user 1000, read-only, no capability, no network", async () => {
    const { code, stdout, stderr } = await runInImage(
      folder,
      `smoke-${process.pid}`,
      image.configuration,
      unpacked.root,
      [...["python3", "/opt/ascend-stacks/smoke_test.py", "--expect", "torch=2.7.1"]],
    );
    expect(`${stdout}${stderr}`).toContain("decord decodes a clip: ok");
    expect(`${stdout}${stderr}`).toContain("arguments of pretrain_sora.py: ok");
    expect(`${stdout}${stderr}`).toMatch(/smoke test: \d+ passed, 0 wrong/);
    expect(code).toBe(0);
  });

  it("carries the repairs of upstream's code, and the runtime proves it", async () => {
    const { code } = await runInImage(folder, `patches-${process.pid}`, image.configuration, unpacked.root, [
      ...["python3", "/opt/ascend-stacks/runtime", "check-patches", "--root", "/workspace/MindSpeed-MM"],
    ]);
    expect(code).toBe(0);
  });

  it("runs as user 1000 in MindSpeed-MM's folder, keeps CANN's entrypoint, and names every version", () => {
    const { User, WorkingDir, Entrypoint, Labels = {}, Env = [] } = image.configuration;
    expect({ User, WorkingDir }).toEqual({ User: "1000:1000", WorkingDir: "/workspace/MindSpeed-MM" });
    expect(Entrypoint?.join(" ")).toContain("set_env.sh");
    expect(Env.find((line) => line.startsWith("PATH="))).toContain("/opt/ascend-stacks/venv/bin");
    expect(Labels).toMatchObject({
      "ascend-stacks.versions.cann": "9.0.0",
      "ascend-stacks.versions.torch-npu": "2.7.1.post4",
      "ascend-stacks.versions.python": stubPython,
      "ascend-stacks.versions.apex": "none",
      "ascend-stacks.sources.mindspeed-mm": context.buildArguments.MINDSPEED_MM_COMMIT,
      "ascend-stacks.build-content": "0123abcd",
      "org.opencontainers.image.base.name": request.buildArguments?.BASE_IMAGE,
    });
  });

  it("keeps no certificate, package cache, list or log in any layer, and none in its history", () => {
    const secret = request.secrets?.ca;
    const marker = secret === undefined ? undefined : readFileSync(secret, "utf8").split("\n").at(-3);
    for (const layer of unpacked.layers.slice(1)) {
      for (const path of readdirSync(layer, { recursive: true, encoding: "utf8" })) {
        const file = join(layer, path);
        expect(path).not.toMatch(
          /^(root\/\.cache|var\/lib\/apt\/lists\/.|var\/cache\/apt\/archives\/.*deb$|var\/log\/(apt|dpkg))/,
        );
        if (/^run\/secrets\/./.test(path)) expect(statSync(file).size).toBe(0);
      }
    }
    const steps = JSON.stringify(image.history);
    expect(steps).not.toMatch(/SSL_CERT|PIP_CERT|PIP_INDEX/);
    if (marker !== undefined && marker.length > 20) expect(steps).not.toContain(marker);
  });

  it("is the same to the last bit when it is built again without any cache", async () => {
    const again = await builder.build({ ...request, push: `${builder.registry}/${repository}:again`, useCache: false });
    expect(again).toBe(digest);
  });

  it("fails with the module's name when one cannot be imported, and rebuilds nothing before MindSpeed-MM's own layers", async () => {
    const { push: _, ...inside } = request;
    const { code, stderr } = await builder.tryBuild({
      ...inside,
      buildArguments: { ...request.buildArguments, MINDSPEED_MM_COMMIT: context.brokenCommit },
    });
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      "module mindspeed_mm cannot be imported: ModuleNotFoundError: No module named 'absent_module'",
    );
    const steps = [...stderr.matchAll(/^#(\d+) \[([a-z-]+)\s+\d+\/\d+\] (.*)$/gm)].map(([, number, stage, text]) => ({
      step: `${stage} ${text}`,
      isCached: new RegExp(`^#${number} CACHED`, "m").test(stderr),
    }));
    const fresh = steps.filter(({ isCached }) => !isCached).map(({ step }) => step.slice(0, 45));
    expect(fresh).toEqual([
      expect.stringContaining("mindspeed-mm RUN"),
      expect.stringContaining("training COPY --from=mindspeed-mm"),
      expect.stringContaining("training COPY --from=megatron"),
      expect.stringContaining("training WORKDIR"),
      expect.stringContaining("training RUN"),
      expect.stringContaining("training COPY --chmod=0644"),
      expect.stringContaining("training RUN"),
    ]);
    expect(steps.length).toBeGreaterThan(fresh.length + 5);
  });

  it("refuses a base image that has another Python, and a build without a base", async () => {
    const { push: _, ...inside } = request;
    const other = await builder.tryBuild({
      ...inside,
      target: "python",
      buildArguments: { ...request.buildArguments, PYTHON_VERSION: "3.10" },
    });
    expect(other.stderr).toContain(`the base image has Python ${stubPython}, the build asks for 3.10`);
    const { BASE_IMAGE: _base, ...rest } = request.buildArguments ?? {};
    const without = await builder.tryBuild({ ...inside, buildArguments: rest });
    expect(without.code).not.toBe(0);
    expect(without.stderr).toMatch(/base name .* should not be blank/);
  });

  it("has nothing that BuildKit's own linter finds wrong", async () => {
    const { push: _, ...inside } = request;
    const { code, stdout, stderr } = await builder.tryBuild({ ...inside, frontendRequest: "frontend.lint" });
    expect(code).toBe(0);
    expect(`${stdout}${stderr}`).not.toMatch(/WARNING|lint\.json.*\[\{/);
  });
});
