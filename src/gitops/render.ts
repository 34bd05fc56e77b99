/** An environment as files for Git: one object a file, the same manifests that the engine applies. */
import { stringify } from "yaml";
import type { PlannedObject } from "../kubernetes/planned-object.ts";

/** A file of the rendered folder. */
export interface RenderedFile {
  /** Name inside the folder. */
  readonly name: string;
  readonly content: string;
}

/** Name of the file that lists all others; kustomize, Argo CD and Flux read it. */
export const kustomizationName = "kustomization.yaml";

/** YAML without anchors or folded lines, so that a change of a value is a change of its line. */
const yaml = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

const fileName = ({ manifest }: PlannedObject): string =>
  `${manifest.kind.toLowerCase()}-${manifest.metadata.name}.yaml`;

/** Objects that cannot go into Git, because they hold a secret value. */
export const unrenderable = (objects: readonly PlannedObject[]): readonly PlannedObject[] =>
  objects.filter(({ registrySecret }) => registrySecret !== undefined);

/** All files of the folder in order of creation, the list of them last. */
export function renderFiles(objects: readonly PlannedObject[]): readonly RenderedFile[] {
  const files = objects.map((object) => ({ name: fileName(object), content: yaml(object.manifest) }));
  const list = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: files.map(({ name }) => name),
  };
  return [...files, { name: kustomizationName, content: yaml(list) }];
}

/** All objects as one stream of YAML documents, in order of creation. */
export const renderStream = (objects: readonly PlannedObject[]): string =>
  objects.map(({ manifest }) => `---\n${yaml(manifest)}`).join("");
