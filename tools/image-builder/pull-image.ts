/** Reads an image from a registry of its own and unpacks it, the way a container engine does, without one. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { run } from "../processes.ts";

/** What an image says about itself: the part of its configuration that matters here. */
export interface ImageConfiguration {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

/** One step of an image's history. */
export interface HistoryStep {
  readonly created_by?: string;
  readonly empty_layer?: boolean;
}

/** An image in the registry. */
export interface RegistryImage {
  readonly configuration: ImageConfiguration;
  readonly history: readonly HistoryStep[];
  /** Digests of the layers, lowest first. */
  readonly layers: readonly string[];
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(",");

async function get(url: string, accept = "*/*"): Promise<Response> {
  const response = await fetch(url, { headers: { accept } });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response;
}

/** Reads manifest and configuration. `reference` is a tag or a digest. */
export async function readImage(registry: string, repository: string, reference: string): Promise<RegistryImage> {
  const base = `http://${registry}/v2/${repository}`;
  const manifest = (await (await get(`${base}/manifests/${reference}`, manifestTypes)).json()) as Manifest;
  const file = (await (await get(`${base}/blobs/${manifest.config.digest}`)).json()) as {
    readonly config: ImageConfiguration;
    readonly history: readonly HistoryStep[];
  };
  return {
    configuration: file.config,
    history: file.history,
    layers: manifest.layers.map(({ digest }) => digest),
  };
}

/** A layer says by name what of the layers below it is gone. */
function applyWhiteouts(layer: string, root: string): void {
  for (const path of readdirSync(layer, { recursive: true, encoding: "utf8" })) {
    const name = basename(path);
    if (!name.startsWith(".wh.")) continue;
    const folder = join(root, dirname(path));
    if (name === ".wh..wh..opq") rmSync(folder, { recursive: true, force: true });
    else rmSync(join(folder, name.slice(".wh.".length)), { recursive: true, force: true });
    rmSync(join(layer, path));
  }
}

/** Unpacks all layers into `<folder>/root`, and each one alone into `<folder>/layers/<number>`. */
export async function unpackImage(
  registry: string,
  repository: string,
  image: RegistryImage,
  folder: string,
): Promise<{ readonly root: string; readonly layers: readonly string[] }> {
  const root = join(folder, "root");
  mkdirSync(root, { recursive: true });
  const layers: string[] = [];
  for (const [index, digest] of image.layers.entries()) {
    const archive = join(folder, "layer.tar.gz");
    const layer = join(folder, "layers", String(index));
    mkdirSync(layer, { recursive: true });
    const body = await (await get(`http://${registry}/v2/${repository}/blobs/${digest}`)).arrayBuffer();
    writeFileSync(archive, Buffer.from(body));
    const steps = [
      () => run("tar", ["--extract", "--gzip", "--numeric-owner", "--file", archive, "--directory", layer]),
      () => {
        applyWhiteouts(layer, root);
        return run("cp", ["--archive", "--link", "--force", "--no-target-directory", layer, root]);
      },
    ];
    for (const step of steps) {
      const { code, stderr } = await step();
      if (code !== 0) throw new Error(`layer ${index}: ${stderr.trim().split("\n").slice(-3).join(" | ")}`);
    }
    rmSync(archive);
    layers.push(layer);
  }
  return { root, layers };
}
