/** Where delivery tools find the rendered folders, and where they deliver to. */

/** A Git repository with rendered folders, or with this project itself. */
export interface DeliverySource {
  /** Address of the repository, as the tool clones it. */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Folder in the repository below which each stack has a folder of its name. */
  readonly path: string;
}

/** A stack as delivery tools see it. */
export interface DeliveredStack {
  readonly name: string;
  readonly namespace: string;
}

/** Folder of one stack in the repository, without a slash at either end. */
export const stackFolder = ({ path }: DeliverySource, stack: string): string =>
  [...path.split("/").filter((part) => part !== "" && part !== "."), stack].join("/");

/** Labels of generated delivery objects. */
export const deliveryLabels = (stack: string): Readonly<Record<string, string>> => ({
  "app.kubernetes.io/name": "ascend-stacks",
  "app.kubernetes.io/instance": stack,
  "app.kubernetes.io/component": "delivery",
});
