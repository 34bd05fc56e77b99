/**
 * The parts of Pulumi's SDK that this project uses, by their own files.
 *
 * The root of the SDK also loads its serialiser of closures, which brings TypeScript and npm's dependency resolver: a quarter of a
 * second at each start, for something that is never used here. The typed classes of `@pulumi/kubernetes` load that root, so objects
 * are registered by their token instead; the package itself says which version of the provider the engine must take.
 */
export { Config } from "@pulumi/pulumi/config.js";
export { RunError } from "@pulumi/pulumi/errors.js";
export * as log from "@pulumi/pulumi/log/index.js";
export { getStack } from "@pulumi/pulumi/metadata.js";
export { type Output, secret } from "@pulumi/pulumi/output.js";
export {
  ComponentResource,
  type ComponentResourceOptions,
  CustomResource,
  type CustomResourceOptions,
  type Resource,
} from "@pulumi/pulumi/resource.js";
