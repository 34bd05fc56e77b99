import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { combinationText, isListed, judge, judgeNode } from "./judge.ts";
import { type Combination, lockedCombination, parseVersions, readVersions, versionedParts } from "./versions.ts";

const versions = readVersions();
const locked = lockedCombination(versions, "910b");

describe("the project's own stack", () => {
  it.each(["910b", "a3"])("is supported on %s, on a node with its driver", (chip) => {
    expect(judge(versions, { ...lockedCombination(versions, chip), hdk: versions.stack.hdk })).toEqual({
      verdict: "supported",
      remarks: [],
    });
  });

  it("has a base image for both chips, both systems and both Pythons", () => {
    const wanted = ["910b", "a3"].flatMap((chip) =>
      ["ubuntu22.04", "openeuler24.03"].flatMap((os) =>
        ["3.10", "3.11"].map((python) => `9.0.0-${chip}-${os}-py${python}`),
      ),
    );
    expect(versions.bases.map(({ tag }) => tag).toSorted()).toEqual(wanted.toSorted());
  });
});

describe("judge", () => {
  it.each<[string, Combination, string, string, Combination | undefined]>([
    ["an older CANN that the release still takes", { ...locked, cann: "8.5.0" }, "supported", "", undefined],
    [
      "a CANN that no table knows",
      { ...locked, cann: "7.0.0" },
      "untested",
      "CANN 7.0.0 for MindSpeed-MM 26.0.0",
      { cann: "9.0.0" },
    ],
    [
      "another torch_npu",
      { ...locked, torchNpu: "2.7.1.post2" },
      "untested",
      "torch_npu 2.7.1.post2",
      { torchNpu: "2.7.1.post4" },
    ],
    [
      "torch_npu without its torch",
      { ...locked, torch: "2.6.0" },
      "impossible",
      "plug-in of torch 2.7.1",
      { torch: "2.7.1" },
    ],
    [
      "a release without the example",
      { mindspeedMm: "26.1.0" },
      "impossible",
      "no OpenSoraPlan1.3 example",
      { mindspeedMm: "26.0.0" },
    ],
    ["Python 3.9", { ...locked, python: "3.9" }, "impossible", "Python 3.10 or newer", { python: "3.10" }],
    ["an inference chip", { ...locked, chip: "310p" }, "impossible", "cannot train", { chip: "910b" }],
    [
      "another commit of MindSpeed",
      { ...locked, mindspeed: "0".repeat(40) },
      "untested",
      "MindSpeed 000",
      { mindspeed: locked.mindspeed },
    ],
    [
      "a torchvision of another torch",
      { ...locked, torchvision: "0.29.2" },
      "untested",
      "torchvision 0.29.2",
      { torchvision: "0.22.1" },
    ],
    [
      "a driver too old",
      { ...locked, hdk: "24.1.0" },
      "untested",
      "driver (Ascend HDK) 24.1.0 for CANN 9.0.0",
      { hdk: "26.0.RC1" },
    ],
    ["a driver that CANN 8.5.0 takes", { ...locked, cann: "8.5.0", hdk: "25.5.1" }, "supported", "", undefined],
    ["nothing at all", {}, "supported", "", undefined],
  ])("%s", (_, combination, verdict, words, nearest) => {
    const judgement = judge(versions, combination);
    expect(judgement.verdict).toBe(verdict);
    expect(judgement.remarks.map(({ what }) => what).join("; ")).toContain(words);
    expect(judgement.nearest).toEqual(nearest);
  });

  it("names the vendor's document", () => {
    expect(judge(versions, { ...locked, cann: "7.0.0" }).remarks[0]?.source).toContain("MindSpeed-MM v26.0.0");
  });

  const arbitrary = fc.record(
    {
      mindspeedMm: fc.constantFrom("26.0.0", "2.3.0", "26.1.0", "1.0"),
      cann: fc.constantFrom("9.0.0", "8.5.0", "9.1.0", "7.0.0"),
      torch: fc.constantFrom("2.7.1", "2.6.0", "2.1.0"),
      torchNpu: fc.constantFrom("2.7.1.post4", "2.7.1.post2", "2.1.0"),
      python: fc.constantFrom("3.9", "3.10", "3.11", "3.13"),
      chip: fc.constantFrom("910b", "a3", "910"),
      hdk: fc.constantFrom("26.0.RC1", "25.5.0", "24.1.0"),
    },
    { requiredKeys: [] },
  );

  it("proposes only what it would itself call supported, and only changes", () => {
    fc.assert(
      fc.property(arbitrary, (combination) => {
        const { verdict, nearest } = judge(versions, combination);
        if (verdict === "supported") return nearest === undefined;
        if (nearest === undefined) return false;
        const changed = { ...combination, ...nearest };
        return (
          judge(versions, changed).verdict === "supported" &&
          versionedParts.every(
            (part) => (changed[part] === undefined) === (combination[part as keyof typeof combination] === undefined),
          )
        );
      }),
      { numRuns: 60 },
    );
  });

  it("proposes no change when there is none that helps", () => {
    const lonely = { ...versions, compatibility: [], impossible: [] };
    expect(judge(lonely, { cann: "9.0.0" })).toMatchObject({ verdict: "untested" });
    expect(judge(lonely, { cann: "9.0.0" })).not.toHaveProperty("nearest");
  });
});

describe("judgeNode", () => {
  it("compares the node's driver with the image's CANN", () => {
    const image = { cann: "9.0.0" };
    expect(judgeNode(versions, image, { "huawei.com/driver.version": "26.0.rc1" })?.verdict).toBe("supported");
    expect(judgeNode(versions, image, { "huawei.com/driver.version": "23.0.6" })).toMatchObject({
      verdict: "untested",
      nearest: { hdk: "26.0.RC1" },
    });
    expect(judgeNode(versions, image, {})).toBeUndefined();
  });
});

describe("versions", () => {
  it.each([
    ["25.5.0", ["25.5"], true],
    ["25.50", ["25.5"], false],
    ["26.0.rc1", ["26.0.RC1"], true],
    ["9.0.0", ["9.0.0"], true],
    ["9.0.0", [], false],
  ])("%s is one of %j: %s", (version, list, expected) => expect(isListed(version, list)).toBe(expected));

  it("are named in words", () =>
    expect(combinationText({ cann: "9.0.0", python: "3.10" })).toBe("Python 3.10, CANN 9.0.0"));

  it("of a broken file are refused with the place", () => {
    expect(() => parseVersions("schema: 2")).toThrow(/images\/versions\.yaml/);
  });
});
