/** An environment as files for Git: one object a file, the same manifests that the engine applies. */
import { stringify } from "yaml";
import type { PlannedObject } from "../kubernetes/planned-object.ts";

/** A file of the rendered folder. */
export interface RenderedFile {
  /** Path inside the folder, with forward slashes. */
  readonly name: string;
  readonly content: string;
}

/** Name of the file that lists all others; kustomize, Argo CD and Flux read it. */
export const kustomizationName = "kustomization.yaml";

/** Annotation that carries an object's wave. */
const waveKey = "argocd.argoproj.io/sync-wave";

/** YAML without anchors or folded lines, so that a change of a value is a change of its line. */
export const yamlText = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

const fileName = ({ manifest }: PlannedObject): string =>
  `${manifest.kind.toLowerCase()}-${manifest.metadata.name}.yaml`;

/** Objects that cannot go into Git, because they hold a secret value. */
export const unrenderable = (objects: readonly PlannedObject[]): readonly PlannedObject[] =>
  objects.filter(({ registrySecret }) => registrySecret !== undefined);

const kustomization = (resources: readonly string[]): RenderedFile => ({
  name: kustomizationName,
  content: yamlText({ apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", resources }),
});

/** All files of the folder in order of creation, the list of them last. */
export function renderFiles(objects: readonly PlannedObject[]): readonly RenderedFile[] {
  const files = objects.map((object) => ({ name: fileName(object), content: yamlText(object.manifest) }));
  return [...files, kustomization(files.map(({ name }) => name))];
}

/** The wave of an object; objects of a lower wave must be healthy before it is created. */
export const waveOf = ({ manifest }: PlannedObject): number => Number(manifest.metadata.annotations[waveKey] ?? 0);

/** The waves of an environment in rising order, with the name of the folder that holds each. */
export function waveFolders(
  objects: readonly PlannedObject[],
): readonly { readonly wave: number; readonly folder: string }[] {
  const waves = [...new Set(objects.map(waveOf))].sort((left, right) => left - right);
  return waves.map((wave, index) => ({ wave, folder: `wave-${index + 1}` }));
}

/** The same files in one folder a wave, for tools that order folders rather than objects (Flux). */
export function renderWaves(objects: readonly PlannedObject[]): readonly RenderedFile[] {
  const folders = waveFolders(objects);
  const files = folders.flatMap(({ wave, folder }) =>
    renderFiles(objects.filter((object) => waveOf(object) === wave)).map(({ name, content }) => ({
      name: `${folder}/${name}`,
      content,
    })),
  );
  return [...files, kustomization(folders.map(({ folder }) => folder))];
}

/** All objects as one stream of YAML documents, in order of creation. */
export const renderStream = (objects: readonly PlannedObject[]): string =>
  objects.map(({ manifest }) => `---\n${yamlText(manifest)}`).join("");
