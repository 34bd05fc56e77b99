import { describe, expect, it } from "vitest";
import type { JsonObject } from "./json.ts";
import { parseWaitFor } from "./wait-for.ts";

const job: JsonObject = {
  metadata: { annotations: { "example.com/a": "x" }, labels: { "dotted.key": "y" } },
  spec: { parallelism: 2, template: {} },
  status: {
    startTime: "2026-01-01T00:00:00Z",
    active: 0,
    conditions: [
      { type: "Suspended", status: "False" },
      { type: "Complete", status: "True", reason: "Done" },
    ],
    list: ["first", "last"],
  },
};

const isMet = (annotation: string): boolean => parseWaitFor(annotation).every((condition) => condition.isMet(job));

describe("conditions of pulumi.com/waitFor", () => {
  it.each([
    ["jsonpath={.status.startTime}", true],
    ["jsonpath={$.status.startTime}", true],
    ["jsonpath={ .status.startTime }", true],
    ["jsonpath={.status.endTime}", false],
    ["jsonpath={.spec.template}", true],
    ["jsonpath={.spec.parallelism}=2", true],
    ["jsonpath={.spec.parallelism}=3", false],
    ["jsonpath={.status.active}=0", true],
    ["jsonpath={.status.endTime}=", false, "is not understood"],
    ["jsonpath={.metadata.annotations['example.com/a']}=x", true],
    ['jsonpath={.metadata.annotations["example.com/a"]}=x', true],
    ["jsonpath={.metadata.labels.dotted\\.key}=y", true],
    ["jsonpath={.status.list[0]}=first", true],
    ["jsonpath={.status.list[-1]}=last", true],
    ["jsonpath={.status.list[7]}", false],
    ["jsonpath={.status.conditions[*].type}=Suspended", true],
    ['jsonpath={.status.conditions[?(@.type=="Complete")].status}=True', true],
    ["jsonpath={.status.conditions[?(@.type=='Failed')].status}=True", false],
    ["jsonpath={.status.conditions[?(@.type!='Suspended')].type}=Complete", true],
    ["jsonpath={.status.conditions[?(@.reason)].type}=Complete", true],
    ["condition=Complete", true],
    ["condition=complete", true],
    ["condition=Suspended", false],
    ["condition=Suspended=False", true],
    ["condition=Failed", false],
    ['["condition=Complete", "jsonpath={.status.startTime}"]', true],
    ['["condition=Complete", "condition=Failed"]', false],
  ] as const)("%s", (annotation, expected, trouble?: string) => {
    if (trouble === undefined) expect(isMet(annotation)).toBe(expected);
    else expect(() => isMet(annotation)).toThrow(trouble);
  });

  it.each([
    ["status.startTime", "is not understood. Allowed: jsonpath="],
    ["jsonpath=.status.startTime", "is not understood. Allowed: jsonpath="],
    ["jsonpath={.status[}", 'JSONPath ".status[": "[" is not understood'],
    ["jsonpath={.a[?(@.b<3)]}", "filter ?(@.b<3) is not understood"],
    ["jsonpath={.a[?(@.b==c)]}", "neither a quoted text, a number nor a boolean"],
    ["[]", "names no condition"],
  ])("refuses %s", (annotation, message) => {
    expect(() => parseWaitFor(annotation)).toThrow(message);
  });

  it("refuses to compare an object with a text", () => {
    expect(() => isMet("jsonpath={.spec}=x")).toThrow("equals no text");
  });
});
