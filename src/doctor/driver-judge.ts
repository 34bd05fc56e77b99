/** Judges drivers of nodes by the stack lock, for the image of an environment. */
import type { Environment } from "../config/schema.ts";
import { combinationText, judge, judgeNode } from "../images/judge.ts";
import { type Combination, lockedCombination, type Versions } from "../images/versions.ts";
import { shapeOf } from "../kubernetes/npus.ts";
import { type DriverJudge, driverLabel } from "./checks/driver.ts";

/** The versions in the image: those that the stack file states, else those of the lock, from which the project builds. */
function imageVersions(environment: Environment, versions: Versions): Combination {
  const { hdk: _, ...locked }: Combination = lockedCombination(versions, shapeOf(environment).chip);
  const stated = environment.image.build === undefined ? environment.image.versions : undefined;
  if (stated === undefined) return locked;
  return Object.fromEntries(
    Object.entries(stated).filter(([part, version]) => part !== "hdk" && version !== undefined),
  );
}

/** The judge of an environment's drivers. What is wrong with the image alone is for the plan to say. */
export function driverJudge(environment: Environment, versions: Versions): DriverJudge {
  const image = imageVersions(environment, versions);
  const known = new Set(judge(versions, image).remarks.map(({ what }) => what));
  return (version) => {
    const judgement = judgeNode(versions, image, { [driverLabel]: version });
    const [remark] = judgement?.remarks.filter(({ what }) => !known.has(what)) ?? [];
    if (judgement === undefined || remark === undefined) return { verdict: "supported", what: "" };
    const { verdict, nearest } = judgement;
    const expected = remark.allowed?.join(", ") ?? (nearest === undefined ? undefined : combinationText(nearest));
    const what = remark.source === undefined ? remark.what : `${remark.what} (${remark.source})`;
    return { verdict, what, ...(expected === undefined ? {} : { expected }) };
  };
}
