/** Entry of the policy pack. An ES module in JavaScript: the loader of packs would send a TypeScript entry through ts-node. */
import { PolicyPack } from "@pulumi/policy";
import { namespacePolicies, objectPolicies } from "./policies.ts";

new PolicyPack("ascend-stacks", { policies: [...objectPolicies, ...namespacePolicies] });
