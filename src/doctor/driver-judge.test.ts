import { describe, expect, it } from "vitest";
import { changedNeeds } from "../../tests/cluster-facts.ts";
import { readVersions } from "../images/versions.ts";
import { driverJudge } from "./driver-judge.ts";

const versions = readVersions();
const judgeFor = (image: Readonly<Record<string, unknown>>) =>
  driverJudge(changedNeeds("local", (environment) => Object.assign(environment.image, image)).environment, versions);

describe("drivers", () => {
  it.each([
    [versions.stack.hdk, "supported"],
    ["22.0.1", "untested"],
  ])("of version %s are %s for the image of the stack lock", (driver, verdict) => {
    expect(judgeFor({})(driver)).toMatchObject({ verdict });
  });

  it("are judged for the versions that the stack file states, and say what the vendor lists", () => {
    const judged = judgeFor({ versions: { cann: "9.0.0" } })("22.0.1");
    expect(judged.verdict).toBe("untested");
    expect(judged.what).toContain("22.0.1");
  });

  it("are not blamed for what is wrong with the image alone", () => {
    expect(judgeFor({ versions: { torch: "1.0.0" } })(versions.stack.hdk)).toMatchObject({ verdict: "supported" });
  });
});
