/** A stage in the engine's tree: its files, its Service and its Job under one name that the user knows. */
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import * as pulumi from "../pulumi.ts";
import { type BuiltImage, registerObject, type SecretReader } from "./register.ts";

/** Arguments of {@link Stage}: plain data, for they decide which resources exist. */
export interface StageArguments {
  readonly objects: readonly PlannedObject[];
  /** Resources of the environment's other objects by name, for the order of creation. */
  readonly others: ReadonlyMap<string, pulumi.Resource>;
  readonly readSecret: SecretReader;
  /** The image, when the stack builds it. */
  readonly image?: BuiltImage | undefined;
}

/** One stage of one or several runs. */
export class Stage extends pulumi.ComponentResource {
  /** The stage's resources by the name of their planned object. */
  readonly resources: ReadonlyMap<string, pulumi.CustomResource>;

  constructor(name: string, stage: StageArguments, options?: pulumi.ComponentResourceOptions) {
    super("ascend-stacks:workloads:Stage", name, {}, options);
    const resources = new Map<string, pulumi.CustomResource>();
    for (const object of stage.objects) {
      const dependencies = object.after.flatMap((other) => resources.get(other) ?? stage.others.get(other) ?? []);
      resources.set(object.name, registerObject(object, this, dependencies, stage.readSecret, stage.image));
    }
    this.resources = resources;
    this.registerOutputs();
  }
}
