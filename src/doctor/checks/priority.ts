/** Whether the priority classes of the pods exist: the API server refuses pods that name another. */
import type { ClusterFacts } from "../facts.ts";
import { about, type Finding, few, type Remark, unseen, well } from "../finding.ts";
import { madeNames, type Needs, priorityClassNames } from "../needs.ts";

/** Classes that the stack does not make itself. */
export function priorityFindings(needs: Needs, { priorityClasses: classes }: ClusterFacts): readonly Finding[] {
  const names = priorityClassNames(needs).filter((name) => !madeNames(needs, "PriorityClass").includes(name));
  return about(
    "priority",
    names.map((name): Remark => {
      const where = `PriorityClass ${name}`;
      if (!classes.isKnown) return unseen(where, "the priority class", classes.because);
      if (classes.value.includes(name)) return well(where, "exists");
      return {
        severity: "error",
        where,
        what: "the priority class does not exist: pods that name it are refused",
        got: "no such class",
        expected: few(classes.value, 6),
        fix: "set priority.className to an existing class, or priority.value to let the stack make one",
      };
    }),
  );
}
