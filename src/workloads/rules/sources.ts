/** Where the rules of this folder come from, as messages cite them. */

const mindCluster = "mind-cluster v26.0.0";

/** Documents and source files by subject. */
export const sources = {
  affinity: `${mindCluster}, docs/zh/scheduling/04_usage/03_basic_scheduling/01_affinity_scheduling`,
  configuration: `${mindCluster}, docs/zh/scheduling/06_api/15_yaml_configuration.md`,
  faultTolerance: `${mindCluster}, docs/zh/scheduling/04_usage/04_resumable_training/01_solutions_principles.md`,
  operatorValidation: `${mindCluster}, component/ascend-operator/pkg/controllers/v1/ascendjob_validate.go`,
  operatorVariables: `${mindCluster}, component/ascend-operator/pkg/controllers/v1/env.go`,
  operatorDefinition: `${mindCluster}, component/ascend-operator/build/ascend-operator.yaml`,
  policyTable: `${mindCluster}, component/ascend-for-volcano/internal/npu/factory.go`,
  superPod: `${mindCluster}, component/ascend-for-volcano/internal/npu/ascend910/ascend910a3`,
  podNames: "Kubernetes, names of pods are DNS labels of at most 63 characters",
  deviceRuntime: `${mindCluster}, component/ascend-docker-runtime`,
} as const;
