/**
 * The names of the rules that every object must meet. Shared by the plan, the tests and the policy pack; a stack file that breaks
 * one names it in `waivers` with a reason.
 */

/** What each rule asks for, in words for messages. */
export const securityRules = {
  "image-by-digest": "containers run an image by digest, and no tag `latest`",
  "no-host-namespaces": "pods share neither network nor processes nor memory with their host",
  "no-host-paths": "pods mount no folder of their host",
  "no-privilege": "containers have no privilege, gain none, and drop all capabilities",
  "no-secret-values": "no secret value stands in an object; secrets are referred to by name",
  "no-service-account-token": "pods hold no token of the cluster",
  "no-time-to-live": "no training is removed by the cluster on its own, for the next update would train again",
  "non-root": "containers run as an ordinary user",
  "npu-requests-equal-limits": "requests and limits name the same single NPU resource with equal counts",
  "protected-training": "the engine refuses to replace or delete a training",
  "read-only-root": "the root file system of containers is read-only",
  seccomp: "pods use the seccomp profile of the container runtime",
  "isolated-network": "a network policy admits only the traffic that stages need",
  "namespace-level": "the namespace enforces the strictest level of Pod Security that its pods meet",
} as const;

/** Name of a rule. */
export type SecurityRuleName = keyof typeof securityRules;

/** All names, sorted. */
export const securityRuleNames = Object.keys(securityRules).sort() as [SecurityRuleName, ...SecurityRuleName[]];
